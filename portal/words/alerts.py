"""The sentences about an alert, for the pages and for notifications."""

from portal.rules.messages import message
from portal.rules.periods import Period
from portal.rules.spending.alerts import FULL, CrossingKind
from portal.words import _, plural
from portal.words.labels import BUDGETS


def alert_sentence(period: Period, kind: CrossingKind, threshold: int | None, limit: int | None = None) -> str:
    """Return what happened to a budget; with its limit of that time if one is given."""
    budget = BUDGETS[period]
    if kind is not CrossingKind.FORECAST and threshold != FULL:
        if limit is None:
            return _("{budget} passed {threshold} %", budget=budget, threshold=threshold)
        return _("{budget} passed {threshold} % of {limit}", budget=budget, threshold=threshold, limit=limit)
    if limit is not None:
        budget = message("{budget} of {limit}", budget=budget, limit=limit)
    if kind is not CrossingKind.FORECAST:
        return _("{budget} used up", budget=budget)
    if period is Period.TOTAL:
        return _("{budget} will be used up within a week", budget=budget)
    return _("{budget} will be used up before it resets", budget=budget)


def answer_sentence(period: Period, tokens: int, *, is_approved: bool) -> str:
    """Return what became of a request for more tokens: the granted `tokens`, or those that were declined."""
    if is_approved:
        return _("{budget}: you get {tokens} more tokens", budget=BUDGETS[period], tokens=tokens)
    return _("{budget}: your request for {tokens} more tokens was declined", budget=BUDGETS[period], tokens=tokens)


def consumed_of(consumed: int, limit: int) -> str:
    """Return the consumption at the time of an alert, and the limit, in billable tokens."""
    return plural(
        "{consumed} of {count} billable token", "{consumed} of {count} billable tokens", limit, consumed=consumed
    )
