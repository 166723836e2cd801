"""Ninety days of realistic requests, up to the present instant.

The requests of a day follow only from the seed, the person and the day, so that tomorrow's demo has the same past. The
exception is the night run of the demo account today, which fills the daily budget at any hour.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from portal.demo.people import OWNER, PEOPLE, DemoKey, DemoPerson, cost_factor
from portal.demo.requests import new_report
from portal.rules.metering.usage import UsageReport
from portal.rules.periods import DayRange, day_of, end_of_day, last_days, start_of_day
from portal.rules.spending.pricing import billable_tokens

DAYS = 90
WEEKDAYS = (0.95, 1.12, 1.16, 1.06, 0.78)
"""How busy Monday to Friday are; a Saturday or Sunday is as busy as a person's `weekends` says."""
FULL_DAY = 1_500_000
"""Least number of billable tokens that the demo account has used today."""
NIGHT_RUN = timedelta(minutes=90)
"""Time after midnight in which programs send requests."""


def make_history(
    seed: int, now: datetime, tz: ZoneInfo, days: int = DAYS, people: Iterable[DemoPerson] = PEOPLE
) -> list[UsageReport]:
    """Return what people requested in the last `days` days of the budget zone, today included, oldest first."""
    span = last_days(days, now, tz)
    found: list[UsageReport] = []
    for person in people:
        for day in span:
            found += _day(seed, person, day, span, now, tz)
    return sorted(found, key=lambda report: (report.requested_at, report.id))


def billable(report: UsageReport) -> int:
    """Return a request's billable tokens, as the portal computes them."""
    factor = cost_factor(report.template) if report.cost_factor is None else report.cost_factor
    return billable_tokens(report.total_tokens, factor)


def _day(seed: int, person: DemoPerson, day: date, span: DayRange, now: datetime, tz: ZoneInfo) -> list[UsageReport]:
    """Return one person's requests of one day."""
    ago = (span.last - day).days
    keys = [key for key in person.keys if key.is_used(ago)]
    if not keys or not person.is_here(ago):
        return []
    rng = Random(f"{seed}/{person.username}/{day}")  # noqa: S311  # made-up data need no cryptography
    found = [
        *_conversations(rng, person, keys, seed, day, _requests(rng, seed, person, day), tz),
        *_night_run(rng, person, keys, seed, day, tz),
    ]
    past = [report for report in found if report.requested_at is not None and report.requested_at <= now]
    if person.username == OWNER and day == day_of(now, tz):
        past += _until_full(rng, person, keys, seed, day, past, now, tz)
    return past


def _requests(rng: Random, seed: int, person: DemoPerson, day: date) -> int:
    """Draw the number of requests of a person on a day, by weekday, weekend and holiday."""
    year, week, weekday = day.isocalendar()
    holiday = Random(f"{seed}/{person.username}/{year}/{week}").random() < person.holidays  # noqa: S311  # as above
    if weekday > 5:
        busy = 0.3 if rng.random() < person.weekends else 0.0
    else:
        busy = 0.0 if holiday or rng.random() < 0.03 else WEEKDAYS[weekday - 1]
    return round(person.pace * busy * math.exp(rng.gauss(0, 0.28)))


def _conversations(
    rng: Random, person: DemoPerson, keys: Sequence[DemoKey], seed: int, day: date, count: int, tz: ZoneInfo
) -> Iterator[UsageReport]:
    """Yield `count` requests in conversations: several requests with one key, a minute or two apart."""
    first, end = start_of_day(day, tz), end_of_day(day, tz)
    while count > 0:
        key = rng.choices(keys, [key.share for key in keys])[0]
        session_id = f"{rng.getrandbits(64):016x}"
        at = first + timedelta(hours=_hour(rng))
        for turn in range(min(1 + int(rng.expovariate(1 / 5)), count, 30)):
            if at >= end:
                break
            yield new_report(rng, person, key, seed, at, _id(rng), session_id=session_id, turn=turn)
            at += timedelta(seconds=round(max(rng.lognormvariate(4.2, 0.8), 2), 3))
            count -= 1


def _hour(rng: Random) -> float:
    """Draw the hour of a conversation: mostly mornings and afternoons, some evenings, few nights."""
    part = rng.random()
    if part < 0.44:
        hour = rng.gauss(10.2, 1.1)
    elif part < 0.86:
        hour = rng.gauss(14.8, 1.4)
    elif part < 0.985:
        hour = rng.gauss(20.2, 1.2)
    else:
        hour = rng.uniform(0, 6)
    return min(max(hour, 0.0), 23.9)


def _night_run(
    rng: Random, person: DemoPerson, keys: Sequence[DemoKey], seed: int, day: date, tz: ZoneInfo
) -> Iterator[UsageReport]:
    """Yield the requests of programs after midnight, on working days only."""
    agents = [key for key in keys if key.style == "agent"]
    if not agents or day.weekday() > 4:
        return
    first = start_of_day(day, tz)
    for turn in range(rng.randrange(4, 13)):
        at = first + NIGHT_RUN * rng.random()
        yield new_report(rng, person, rng.choice(agents), seed, at, _id(rng), session_id=f"nightly-{day}", turn=turn)


def _until_full(
    rng: Random,
    person: DemoPerson,
    keys: Sequence[DemoKey],
    seed: int,
    day: date,
    done: Sequence[UsageReport],
    now: datetime,
    tz: ZoneInfo,
) -> Iterator[UsageReport]:
    """Yield requests of a night run before `now`, until the demo account has used `FULL_DAY`."""
    first = start_of_day(day, tz)
    lasts = min(NIGHT_RUN, now - first)
    agents = [key for key in keys if key.style == "agent"]
    used = sum(map(billable, done))
    while used < FULL_DAY:
        at = first + lasts * rng.random()
        report = new_report(rng, person, agents[0], seed, at, _id(rng), session_id=f"nightly-{day}", turn=6)
        used += billable(report)
        yield report


def _id(rng: Random) -> str:
    return f"req_{rng.getrandbits(96):024x}"
