"""Sums of an account's usage by model and day."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Self

from fastapi import Query
from pydantic import BaseModel, Field

from portal.api.access import SESSION, Reading
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.api.figures import Sums
from portal.clock import utc_now
from portal.rules.spending.cost_parts import CostPart
from portal.views.spending.cost_parts import load_cost_parts
from portal.views.spending.summary import SummaryView, load_summary
from portal.web.visitors import SignedIn

router = strict_router()


class ModelSums(Sums):
    """The sums of one model in one mode."""

    model: str
    mode: str


class DaySums(Sums):
    """The sums of one day of the budget time zone."""

    day: date


class SummaryAnswer(BaseModel):
    """An account's sums and the price in force."""

    total: Sums = Field(description="Lifetime")
    month: Sums = Field(description="This month of the budget time zone")
    by_model: list[ModelSums] = Field(description="The last 30 days, largest first")
    daily: list[DaySums] = Field(description="The last 14 days, oldest first, days without requests included")
    price_eur: str | None = Field(
        description="EUR per billable token, an exact decimal string; null if none is in force", examples=["0.00002"]
    )


@router.get("/user/api/summary", tags=["Account"], dependencies=[SESSION], responses=answers(401))
def read_summary(session: Reading, viewer: SignedIn) -> SummaryAnswer:
    """Return the figures of the Billing page and the usage chart."""
    return summary_answer(load_summary(session, viewer.id, utc_now()))


def summary_answer(view: SummaryView) -> SummaryAnswer:
    """Return the sums of an account as JSON."""
    return SummaryAnswer(
        total=Sums.of(view.total),
        month=Sums.of(view.month),
        by_model=[ModelSums.of(row.figures, model=row.model, mode=row.mode) for row in view.by_model],
        daily=[DaySums.of(bar.figures, day=bar.day) for bar in view.daily],
        price_eur=f"{view.price.eur_per_token:f}" if view.price else None,
    )


class PartAnswer(Sums):
    """Requests with one price; all prices are exact decimal strings of EUR, null where they do not apply.

    With `price_eur` the cost is billable tokens times it. With the others, per million tokens, it is the uncached
    prompt, cached and completion tokens times theirs, times `cost_factor`. The sum of a part ties with its formula
    within half a nano-euro per request (`ties`).
    """

    price_id: int | None = Field(description="Null: without a cost, or stored before prices were kept")
    model: str | None = Field(description="The pattern of the price; null for the general one")
    valid_from: datetime | None
    price_eur: str | None
    prompt_eur: str | None
    completion_eur: str | None
    cached_eur: str | None
    cost_factor: str
    cached_tokens: int
    ties: bool

    @classmethod
    def of_part(cls, part: CostPart) -> Self:
        """Return a part as JSON."""
        price = part.price
        rates = None if price is None else price.rates
        return cls.of(
            part.figures,
            price_id=price and price.id,
            model=price and price.pattern,
            valid_from=price and price.valid_from,
            price_eur=None if price is None or rates is not None else _text(price.eur_per_token),
            prompt_eur=rates and _text(rates.prompt),
            completion_eur=rates and _text(rates.completion),
            cached_eur=rates and _text(rates.cached),
            cost_factor=_text(part.cost_factor),
            cached_tokens=part.tokens.cached,
            ties=part.ties,
        )


class CostAnswer(BaseModel):
    """How the cost of a model in a mode came about; `total` is the sum of `parts` and `deleted`."""

    total: Sums
    parts: list[PartAnswer]
    deleted: Sums = Field(description="Requests that were deleted by age; their sums stay")


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"


@router.get("/user/api/summary/cost", tags=["Account"], dependencies=[SESSION], responses=answers(401, 404))
def read_cost(
    session: Reading, viewer: SignedIn, model: Annotated[str, Query()], mode: Annotated[str, Query()]
) -> CostAnswer:
    """Return which prices applied to a row of `by_model`."""
    found = load_cost_parts(session, viewer.id, model, mode, utc_now())
    parts = [PartAnswer.of_part(part) for part in found.parts]
    return CostAnswer(total=Sums.of(found.total), parts=parts, deleted=Sums.of(found.rest))
