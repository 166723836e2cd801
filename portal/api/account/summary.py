"""Sums of an account's usage by model and day."""

from datetime import date

from pydantic import BaseModel, Field

from portal.api.access import SESSION, Reading
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.api.figures import Sums
from portal.clock import utc_now
from portal.views.spending.summary import load_summary
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
    view = load_summary(session, viewer.id, utc_now())
    return SummaryAnswer(
        total=Sums.of(view.total),
        month=Sums.of(view.month),
        by_model=[ModelSums.of(row.figures, model=row.model, mode=row.mode) for row in view.by_model],
        daily=[DaySums.of(bar.figures, day=bar.day) for bar in view.daily],
        price_eur=f"{view.price.eur_per_token:f}" if view.price else None,
    )
