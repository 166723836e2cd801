"""The mail about a budget that has reached a threshold, or will be exhausted before it resets."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal.mails.content import Content, written
from portal.rules.alerts import CrossingKind
from portal.rules.budgets import Level, PeriodBudget
from portal.rules.periods import Period


@dataclass(frozen=True, slots=True)
class CrossingFacts:
    """Content of the mail: billable tokens as they were at the crossing, and the recipient.

    `start` is the day that names the period; `resets_at` is None where nothing resets.
    """

    period: Period
    start: date
    kind: CrossingKind
    consumed: int
    limit: int
    resets_at: datetime | None
    display_name: str
    language: str
    zone: ZoneInfo


def crossing_mail(facts: CrossingFacts, base_url: str) -> Content:
    """Return the mail about a crossing; `base_url` is where people find the portal, without it nothing is linked."""
    budget = PeriodBudget(facts.limit, facts.consumed)
    percent = int(budget.exact_percent or 0)  # what is nearly reached is not said to be reached
    return written(
        "crossing",
        **asdict(facts),
        percent=percent,
        filled=min(percent, 100),
        level=Level.WARNING if facts.kind is CrossingKind.FORECAST and budget.level is Level.NORMAL else budget.level,
        remaining=budget.remaining,
        over_by=budget.over_by,
        is_used_up=facts.consumed >= facts.limit,
        billing=f"{base_url.rstrip('/')}/user/billing" if base_url else "",
    )
