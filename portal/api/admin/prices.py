"""The price book for administrators: the list, its export, a preview, new and ended prices, and repairing costs."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.spending.prices import (
    end_model_price,
    enter,
    general_price,
    price_of_models,
    remove_planned_price,
    repair_costs,
)
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.bodies import LARGEST_ID, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.errors import InvalidInput
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.messages import InvalidValue, message
from portal.rules.metering.figures import Figures
from portal.rules.people.actors import Actor
from portal.rules.periods import InvalidMonth, parse_month
from portal.rules.spending.price_list import GENERAL, MODELS, PRICE_LIST, PriceStatus
from portal.rules.spending.prices import Price, Rates
from portal.rules.spending.pricing import eur_text, read_rate
from portal.settings import settings
from portal.views.spending.price_preview import PreviewView, load_preview
from portal.views.spending.prices import PriceItem, load_price_list, load_price_rows, load_unpriced

router = admin_router("Prices")

READ, WRITE = "prices:read", "prices:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]


class PriceQuery(ListQuery):
    """A filter of the price book; `search` looks in pattern and source."""

    status: str = Field(default="", json_schema_extra={"enum": ["", *PriceStatus]})
    kind: str = Field(default="", json_schema_extra={"enum": ["", GENERAL, MODELS]})


class PricePageQuery(PriceQuery, PageParameters):
    """A filter and a page."""


class PriceExportQuery(PriceQuery, ExportParameters):
    """Which prices to export, and in which format."""


_PER_MILLION = "EUR per million tokens, an exact decimal string; null for the general price and for an end"


class PriceAnswer(BaseModel):
    """An entry of the price book: a general price, a price of models, or an end of one."""

    id: int
    model: str | None = Field(description="Exact name, or pattern with * and ?; null for the general price")
    valid_from: datetime | None = Field(description="Null: since ever")
    eur_per_token: str | None = Field(description="EUR per billable token of the general price")
    prompt: str | None = Field(description=_PER_MILLION)
    completion: str | None = Field(description=_PER_MILLION)
    cached: str | None = Field(description=_PER_MILLION)
    is_end: bool
    source: str
    status: str = Field(json_schema_extra={"enum": list(PriceStatus)})
    entered_at: datetime

    @classmethod
    def of(cls, row: PriceItem) -> Self:
        """Return an entry as JSON."""
        rates = {name: _text(getattr(row, name)) for name in ("eur_per_token", "prompt", "completion", "cached")}
        same = {name: getattr(row, name) for name in cls.model_fields.keys() - rates.keys()}
        return cls.model_validate(same | rates)


COLUMNS = tuple(name for name in PriceAnswer.model_fields if name != "id")
"""The columns of the export; instants in UTC."""


class PlannedPrice(Body):
    """A price to enter: `eur_per_token`; or `model` with its rates per million tokens; or `model` with `end`."""

    eur_per_token: str | None = None
    model: str | None = None
    prompt: str | None = Field(default=None, description="EUR per million, a decimal string")
    completion: str | None = None
    cached: str | None = Field(default=None, description="By default as `prompt`")
    end: bool = Field(default=False, description="End the price of `model`")
    valid_from: str | None = Field(default=None, description="An instant with an offset; by default now")
    source: str = Field(default="", description="Where the price is from")

    def planned(self, now: datetime) -> Price:
        """Return the entry. Raises InvalidInput."""
        begins = self._begins(now)
        rates = (self.prompt, self.completion, self.cached)
        if self.model is None:
            if self.eur_per_token is None or self.end or any(rate is not None for rate in rates):
                raise InvalidInput(message("Send eur_per_token, or model with its prices."), "eur_per_token")
            return general_price(_rate(self.eur_per_token, "eur_per_token"), begins)
        if self.eur_per_token is not None or self.end == (self.prompt is not None or self.completion is not None):
            raise InvalidInput(message("Send prompt and completion for a model, or end."), "model")
        if self.end:
            return price_of_models(self.model, None, begins)
        prompt = _rate(self.prompt or "", "prompt")
        cached = prompt if self.cached is None else _rate(self.cached, "cached")
        return price_of_models(
            self.model, Rates(prompt, _rate(self.completion or "", "completion"), cached), begins, self.source
        )

    def _begins(self, now: datetime) -> datetime:
        if self.valid_from is None:
            return now.replace(microsecond=0)
        try:
            return parse_instant(self.valid_from)
        except InvalidInstant as error:
            raise InvalidInput(str(error), "valid_from") from None


class NewPrice(PlannedPrice):
    """A price to enter; a price of 0 needs `confirm_free`."""

    confirm_free: bool = False


class PreviewBody(PlannedPrice):
    """A price to preview, and the month to compare."""

    month: str | None = Field(default=None, description="Such as 2026-10; by default the last whole month")


class PreviewSums(BaseModel):
    """The usage of a month, and its cost with the planned price; billable tokens, EUR as exact decimal strings."""

    tokens: int
    requests: int
    cost_eur: str
    unpriced: int
    would_cost_eur: str
    would_unpriced: int
    difference_eur: str

    @classmethod
    def of(cls, figures: Figures, would_cost: int, would_unpriced: int, **others: object) -> Self:
        """Return sums as JSON."""
        sums = {
            "tokens": figures.tokens,
            "requests": figures.requests,
            "cost_eur": eur_text(figures.cost_nano_eur),
            "unpriced": figures.unpriced,
            "would_cost_eur": eur_text(would_cost),
            "would_unpriced": would_unpriced,
            "difference_eur": eur_text(would_cost - figures.cost_nano_eur),
        }
        return cls.model_validate(sums | others)


class PreviewModel(PreviewSums):
    """The same of one model; `pruned` requests keep their cost."""

    model: str
    affected: bool
    pruned: int


class PreviewAnswer(BaseModel):
    """The effect of a planned price on a month: models with the largest difference first.

    `is_past`: it has begun already, so stored costs stay. `is_free`: it has a price of 0.
    """

    month: str
    is_past: bool
    is_free: bool
    models: list[PreviewModel]
    total: PreviewSums

    @classmethod
    def of(cls, found: PreviewView) -> Self:
        """Return a preview as JSON."""
        models = [
            PreviewModel.of(
                row.figures,
                row.would_cost,
                row.would_unpriced,
                model=row.model,
                affected=row.is_affected,
                pruned=row.pruned,
            )
            for row in found.models
        ]
        total = PreviewSums.of(found.total, found.would_cost, found.would_unpriced)
        return cls(
            month=f"{found.month:%Y-%m}", is_past=found.is_past, is_free=found.is_free, models=models, total=total
        )


class EnteredAnswer(BaseModel):
    """Whether the book has changed: false if it had this entry already."""

    changed: bool


class UnpricedAnswer(BaseModel):
    """Requests of one model that have no cost."""

    model: str
    requests: int


class RepairBody(Body):
    """Where to go on: the `cursor` of the answer before."""

    cursor: tuple[str, Annotated[int, Field(ge=0, le=LARGEST_ID)]] | None = Field(default=None, strict=False)


class RepairAnswer(BaseModel):
    """The result of one batch of requests; go on with `cursor` until it is null."""

    repaired: int
    left: int = Field(description="Requests of this batch for which there is still no price")
    cursor: tuple[datetime, int] | None


def _rate(text: str, field: str) -> Decimal:
    try:
        return read_rate(text)
    except InvalidValue as error:
        raise InvalidInput(error.sentence, field) from None


def _text(rate: Decimal | None) -> str | None:
    return None if rate is None else f"{rate:f}"


@router.get("/admin/api/prices", responses=answers(401, 403))
def read_prices(session: Reading, caller: Reader, query: Annotated[PricePageQuery, Query()]) -> ListAnswer[PriceAnswer]:
    """Return one page of the price book."""
    view = load_price_list(session, caller, query.filter(PRICE_LIST), utc_now(), query.limit, query.cursor or None)
    return list_answer(view, PriceAnswer.of)


@router.get("/admin/api/prices/export", **export_route(READ, COLUMNS))
def export_prices(session: Streaming, caller: Reader, query: Annotated[PriceExportQuery, Query()]) -> StreamingResponse:
    """Return all prices that match a filter, as a file."""
    now = utc_now()
    rows = load_price_rows(session, caller, query.filter(PRICE_LIST), now)
    return export_file("prices", "Prices", COLUMNS, map(_cells, rows), query.format, query.bom, now)


def _cells(row: PriceItem) -> list[Any]:
    """Return an entry in the order of COLUMNS."""
    return [getattr(row, name) for name in COLUMNS]


@router.get("/admin/api/prices/unpriced", responses=answers(401, 403))
def read_unpriced(session: Reading, caller: Reader) -> list[UnpricedAnswer]:
    """Return the models with requests that have no cost."""
    return [UnpricedAnswer(model=row.model, requests=row.requests) for row in load_unpriced(session, caller)]


@router.post(
    "/admin/api/prices/preview",
    responses=answers(401, 403, 415),
    openapi_extra=body_documentation(PreviewBody),
)
def preview_price(
    session: Reading, caller: Reader, body: Annotated[PreviewBody, Depends(JsonBody(PreviewBody))]
) -> PreviewAnswer:
    """Return the effect of a price on a month. Changes nothing."""
    now = utc_now()
    try:
        month = None if body.month is None else parse_month(body.month)
    except InvalidMonth as error:
        raise InvalidInput(str(error), "month") from None
    return PreviewAnswer.of(load_preview(session, caller, [body.planned(now)], now, month))


@router.post(
    "/admin/api/prices",
    responses=answers(401, 403, 404, 415),
    openapi_extra=body_documentation(NewPrice),
)
def create_price(
    caller: Writer, session: Writing, body: Annotated[NewPrice, Depends(JsonBody(NewPrice))]
) -> EnteredAnswer:
    """Enter a price, or end one. Stored costs never change."""
    now = utc_now()
    price = body.planned(now)
    if price.is_free and not body.confirm_free:
        raise InvalidInput(
            message("A price of 0 needs confirm_free, since requests then cost nothing."), "confirm_free"
        )
    if price.is_end and price.pattern is not None and price.valid_from is not None:
        return EnteredAnswer(changed=end_model_price(session, caller, price.pattern, price.valid_from, now))
    return EnteredAnswer(changed=enter(session, caller, price, now))


@router.delete("/admin/api/prices/{price_id}", status_code=204, responses=answers(401, 403, 404, 409))
def delete_price(caller: Writer, session: Writing, price_id: RowId) -> None:
    """Remove a price that has not begun yet."""
    remove_planned_price(session, caller, price_id, utc_now())


@router.post(
    "/admin/api/prices/repair",
    responses=answers(401, 403, 415),
    openapi_extra=body_documentation(RepairBody),
)
def repair_prices(
    caller: Writer, session: Writing, body: Annotated[RepairBody, Depends(JsonBody(RepairBody))]
) -> RepairAnswer:
    """Price a batch of requests without a cost, with the prices of their own time."""
    after = None
    if body.cursor is not None:
        try:
            after = (parse_instant(body.cursor[0]), body.cursor[1])
        except InvalidInstant as error:
            raise InvalidInput(str(error), "cursor") from None
    batch = repair_costs(session, caller, after, settings().budget_zone, utc_now())
    return RepairAnswer(repaired=batch.repaired, left=batch.left, cursor=batch.last)
