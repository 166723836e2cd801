"""The usage of all accounts in a month, by model, for the preview of a price."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.metering.totals import EVENT_SUMS, figures_of, summed
from portal.db.sql.text_list import among
from portal.db.tables import OrganisationDaily, UsageCounter, UsageEvent
from portal.rules.metering.figures import Figures
from portal.rules.periods import Period, first_of_next_month
from portal.rules.spending.prices import RequestTokens


@dataclass(frozen=True, slots=True)
class FactorUsage:
    """The stored requests of one model with one cost factor, which a model price multiplies."""

    model: str
    cost_factor: Decimal
    tokens: RequestTokens
    figures: Figures


def month_by_model(session: Session, first: date) -> dict[str, Figures]:
    """Return the usage of a month of the budget zone by model, from roll-ups, with pruned requests."""
    last = first_of_next_month(first) - timedelta(1)
    rows = session.execute(
        select(OrganisationDaily.model, *(func.sum(column) for column in summed(OrganisationDaily)))
        .where(OrganisationDaily.day.between(first, last))
        .group_by(OrganisationDaily.model)
    )
    return {row[0]: figures_of(row[1:]) for row in rows}


def month_by_factor(
    session: Session, first: date, since: datetime, until: datetime, models: Iterable[str]
) -> list[FactorUsage]:
    """Return the stored requests of some models in a month, by model and cost factor.

    `since` and `until` are its instants. Roll-ups have no cached tokens and no cost factor, so the events are read:
    those of this month only, by the index of each account with usage in it.
    """
    event = UsageEvent
    tokens = [func.sum(column) for column in (event.prompt_tokens, event.completion_tokens, event.cached_tokens)]
    rows = session.execute(
        select(event.model, event.cost_factor, *tokens, *EVENT_SUMS)
        .select_from(UsageCounter)
        .join(event, event.account_id == UsageCounter.account_id)
        .where(UsageCounter.period == Period.MONTHLY, UsageCounter.start == first)
        .where(event.requested_at >= since, event.requested_at < until, among(event.model, "models"))
        .group_by(event.model, event.cost_factor),
        {"models": sorted(set(models))},
    )
    found = []
    for model, factor, prompt, completion, cached, *sums in rows:
        figures = figures_of(sums)
        tokens_of_all = RequestTokens(int(prompt), int(completion), int(cached), figures.tokens)
        found.append(FactorUsage(model, factor, tokens_of_all, figures))
    return found
