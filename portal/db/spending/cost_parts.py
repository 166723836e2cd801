"""The stored requests of a model by the price that made their cost."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.db.metering.totals import EVENT_SUMS, figures_of
from portal.db.spending.prices import prices_by_id
from portal.db.tables import UsageEvent
from portal.rules.spending.cost_parts import CostPart
from portal.rules.spending.prices import RequestTokens


def parts_of_model(
    session: Session, account_id: int, model: str, mode: str, since: datetime, until: datetime
) -> list[CostPart]:
    """Return an account's stored requests of a model and mode in `since <= requested_at < until`.

    There is one part per price, cost factor, and whether they have a cost.
    """
    event = UsageEvent
    tokens = [func.sum(column) for column in (event.prompt_tokens, event.completion_tokens, event.cached_tokens)]
    is_unpriced = event.cost_nano_eur.is_(None)
    rows = session.execute(
        select(event.price_id, event.cost_factor, *tokens, *EVENT_SUMS)
        .where(event.account_id == account_id, event.requested_at >= since, event.requested_at < until)
        .where(event.model == model, event.mode == mode)
        .group_by(event.price_id, event.cost_factor, is_unpriced)
    ).all()
    prices = prices_by_id(session, {row[0] for row in rows if row[0] is not None})
    found = []
    for price_id, factor, prompt, completion, cached, *sums in rows:
        figures = figures_of(sums)
        of_all = RequestTokens(int(prompt), int(completion), int(cached), figures.tokens)
        found.append(CostPart(prices.get(price_id or 0), factor, of_all, figures))
    return found
