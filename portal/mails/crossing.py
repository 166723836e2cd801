"""The mail about a budget that has reached a threshold, or will be exhausted before it resets."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal.mails.content import Bar, Content, Letter, formats_of, written
from portal.rules.messages import Message, context_message, message
from portal.rules.periods import Period
from portal.rules.spending.alerts import CrossingKind
from portal.rules.spending.budgets import Level, PeriodBudget
from portal.words.labels import BUDGETS

_WHY = message(
    "You get this mail because budget alerts are on for your account. "
    "To switch them off, open {billing} and switch off “{switch}” under “{card}”.",
    billing=message("Billing"),
    switch=message("Enable alerts"),
    card=message("Configure Budget Alerts"),
)


@dataclass(frozen=True, slots=True)
class CrossingFacts:
    """Content of the mail: billable tokens at the time of the crossing, and the recipient.

    `start` is the first day of the period; `resets_at` is None if the budget never resets.
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
    """Return the mail about a crossing; `base_url` is the address of the portal, without it the mail has no link."""
    return written(crossing_letter(facts, base_url), facts.display_name, facts.language)


def crossing_letter(facts: CrossingFacts, base_url: str) -> Letter:
    """Return the sentences about a crossing, for mails and other channels."""
    budget = PeriodBudget(facts.limit, facts.consumed)
    percent = int(budget.exact_percent or 0)  # rounded down: 99.9 % is not 100 %
    is_forecast = facts.kind is CrossingKind.FORECAST
    level = Level.WARNING if is_forecast and budget.level is Level.NORMAL else budget.level
    return Letter(
        subject=_subject(facts, percent),
        paragraphs=(_sentence(facts, percent),),
        bar=Bar(min(percent, 100), level or Level.NORMAL),
        facts=_figures(facts, budget),
        button=message("Open Billing"),
        link=f"{base_url.rstrip('/')}/user/billing" if base_url else "",
        reason=_WHY,
    )


def _subject(facts: CrossingFacts, percent: int) -> Message:
    budget = BUDGETS[facts.period]
    if facts.kind is CrossingKind.FORECAST:
        return message("{budget} will probably not last", budget=budget)
    return message("{budget} {percent} % used", budget=budget, percent=percent)


def _sentence(facts: CrossingFacts, percent: int) -> Message:
    budget, of_budget = _budget(facts)
    if facts.consumed >= facts.limit:
        if facts.resets_at and facts.limit:
            return message("your {budget} is used up. Further requests may be refused until it resets.", budget=budget)
        return message("your {budget} is used up. Further requests may be refused until it is raised.", budget=budget)
    if facts.kind is not CrossingKind.FORECAST:
        return message("you have used {percent} % of your {budget}.", percent=percent, budget=of_budget)
    if facts.resets_at:
        return message(
            "if your usage continues like this, your {budget} will be used up before it resets.", budget=budget
        )
    return message("if your usage continues like this, your {budget} will be used up within a week.", budget=budget)


def _budget(facts: CrossingFacts) -> tuple[Message, Message]:
    """Return the name of a budget with its period, as a subject and as a genitive."""
    f = formats_of(facts.language, facts.zone)
    day, month = f.full_day(facts.start), f.month_of_year(facts.start)
    match facts.period:
        case Period.DAILY:
            name = message("daily budget for {day}", day=day)
            return name, context_message("of your", "daily budget for {day}", day=day)
        case Period.MONTHLY:
            name = message("monthly budget for {month}", month=month)
            return name, context_message("of your", "monthly budget for {month}", month=month)
        case Period.TOTAL:
            return message("total budget"), context_message("of your", "total budget")


def _figures(facts: CrossingFacts, budget: PeriodBudget) -> tuple[tuple[Message, Message | str], ...]:
    remaining = message("{tokens} billable", tokens=budget.remaining)
    if budget.over_by:
        remaining = message(
            "{tokens} billable ({excess} over the limit)", tokens=budget.remaining, excess=budget.over_by
        )
    resets = formats_of(facts.language, facts.zone).full_moment(facts.resets_at) if facts.resets_at else None
    return (
        (message("Consumed"), message("{tokens} billable", tokens=facts.consumed)),
        (message("Limit"), message("{tokens} billable", tokens=facts.limit)),
        (message("Remaining"), remaining),
        (message("Resets"), resets or message("never")),
    )
