"""Importing prices of models from LiteLLM's price map."""

from datetime import date, datetime
from typing import Annotated, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.requests import Request

from portal.actions.spending.price_import import (
    PriceImport,
    PriceImportPlan,
    import_prices,
    plan_price_import,
    read_price_import,
)
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.prices import WRITE, PreviewAnswer, Writer
from portal.api.bodies import JSON, media_type, read_body
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.errors import InvalidInput
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.messages import InvalidValue
from portal.rules.people.actors import Actor
from portal.rules.spending.prices import Price
from portal.rules.spending.pricing import read_rate
from portal.views.spending.price_preview import load_preview

router = admin_router("Prices")


class PriceImportQuery(BaseModel, extra="forbid"):
    """How a price map is imported."""

    rate: str = Field(description="EUR for one USD, a decimal string")
    rate_day: date = Field(description="The day of this rate")
    models: list[str] = Field(
        default=[], max_length=100, description="Exact names, or patterns with * and ?; by default the models used here"
    )
    valid_from: str | None = Field(default=None, description="An instant with an offset; by default now")
    preview: bool = Field(default=False, description="Only tell what would happen")
    skip_wrong: bool = Field(default=False, description="Leave wrong models out")
    confirm_free: bool = Field(default=False, description="Prices of 0 are intended")

    def wanted(self, content: bytes, now: datetime) -> PriceImport:
        """Return what to import. Raises InvalidInput."""
        try:
            begins = now.replace(microsecond=0) if self.valid_from is None else parse_instant(self.valid_from)
            rate = read_rate(self.rate)
        except InvalidInstant as error:
            raise InvalidInput(str(error), "valid_from") from None
        except InvalidValue as error:
            raise InvalidInput(error.sentence, "rate") from None
        return read_price_import(content, rate, self.rate_day, self.models, begins)


class ImportedPrice(BaseModel):
    """A new price, in EUR per million tokens as exact decimal strings."""

    model: str
    prompt: str
    completion: str
    cached: str

    @classmethod
    def of(cls, price: Price) -> Self:
        """Return a price as JSON."""
        rates = price.rates
        values = (
            {} if rates is None else {name: f"{getattr(rates, name):f}" for name in cls.model_fields if name != "model"}
        )
        return cls.model_validate({"model": price.pattern} | values)


class WrongModel(BaseModel):
    """A model of the file that is left out, and why."""

    model: str
    problem: str


class PriceImportAnswer(BaseModel):
    """What an import would do, or has done; `effect` is null if it has been done."""

    preview: bool
    source: str = Field(description="Stored with each entry")
    prices: list[ImportedPrice] = Field(description="Those that are new or different")
    free: list[str] = Field(description="Models with a price of 0 among them")
    wrong: list[WrongModel]
    unchanged: int = Field(description="Models with these prices already")
    unwanted: int = Field(description="Models that no pattern matches, or that were never used")
    others: int = Field(description="Models that are not paid by token")
    effect: PreviewAnswer | None = Field(description="The effect on last month")

    @classmethod
    def of(cls, source: str, plan: PriceImportPlan, effect: PreviewAnswer | None) -> Self:
        """Return a plan as JSON."""
        return cls(
            preview=effect is not None,
            source=source,
            prices=[ImportedPrice.of(price) for price in plan.prices],
            free=[str(price.pattern) for price in plan.free],
            wrong=[WrongModel(model=row.model, problem=str(row.problem)) for row in plan.wrong],
            unchanged=plan.unchanged,
            unwanted=plan.unwanted,
            others=plan.others,
            effect=effect,
        )


async def map_body(request: Request, _: Annotated[Actor, Depends(admin_caller(WRITE))]) -> bytes:
    """Return the body, a JSON file. Raises PortalError (413, 415)."""
    media_type(request, JSON)
    return await read_body(request)


@router.post(
    "/admin/api/prices/import",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": {"type": "object", "additionalProperties": True}}},
        }
    },
    responses=answers(401, 403, 409, 415),
)
def import_price_map(
    caller: Writer, content: Annotated[bytes, Depends(map_body)], query: Annotated[PriceImportQuery, Query()]
) -> PriceImportAnswer:
    """Enter the prices of LiteLLM's `model_prices_and_context_window.json`: all of them or, with wrong models, none.

    `preview` only tells what would happen. Stored costs never change.
    """
    now = utc_now()
    wanted = query.wanted(content, now)
    if not query.preview:
        options = {"skip_wrong": query.skip_wrong, "confirm_free": query.confirm_free}
        done = run_in_transaction(import_prices, caller, wanted, now, **options)
        return PriceImportAnswer.of(wanted.rate.source, done, None)
    plan = run_in_reading(plan_price_import, caller, wanted)
    effect = run_in_reading(load_preview, caller, plan.prices, now)
    return PriceImportAnswer.of(wanted.rate.source, plan, PreviewAnswer.of(effect))
