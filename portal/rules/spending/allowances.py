"""Allowances: extra tokens that are added to a limit for a time."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from portal.rules.messages import InvalidValue, message
from portal.rules.periods import Period, day_of, end_of_day, resets_at
from portal.rules.spending.budgets import MAX_LIMIT
from portal.rules.text import clean_lines

MAX_REASON = 500
LONGEST = timedelta(days=3660)
"""The most time from now to the end of an allowance; ten years are as good as for ever."""
_USUAL_DAYS = 30
"""Days that an allowance of a total budget lasts if nobody chooses an end."""


class AllowanceState(StrEnum):
    """Whether an allowance counts."""

    IN_FORCE = "in_force"
    UPCOMING = "upcoming"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Extra:
    """The tokens of all allowances in force for one period, and when the first of them ends."""

    tokens: int
    until: datetime


@dataclass(frozen=True, slots=True)
class NewAllowance:
    """Extra billable tokens for one period, in force from now until `ends_at`."""

    period: Period
    tokens: int
    reason: str
    ends_at: datetime


def allowance_state(starts_at: datetime, ends_at: datetime, ended_at: datetime | None, now: datetime) -> AllowanceState:
    """Return whether an allowance counts at `now`; after an early end it does not count any more."""
    if ended_at is not None or ends_at <= now:
        return AllowanceState.ENDED
    return AllowanceState.IN_FORCE if starts_at <= now else AllowanceState.UPCOMING


def usual_end(period: Period, now: datetime, tz: ZoneInfo) -> datetime:
    """Return the proposed end of an allowance: the end of the present period, for a total budget in some weeks."""
    return resets_at(period, now, tz) or end_of_day(day_of(now, tz) + timedelta(_USUAL_DAYS), tz)


def last_day(ends_at: datetime, tz: ZoneInfo) -> date:
    """Return the last day of `tz` on which an allowance counts, which people read and choose."""
    return day_of(ends_at - timedelta(microseconds=1), tz)


def check_tokens(tokens: int) -> int:
    """Return the tokens of an allowance or a request. Raises InvalidValue out of bounds."""
    if not 1 <= tokens <= MAX_LIMIT:
        raise InvalidValue(message("Enter a whole number of tokens from 1 to {most}.", most=MAX_LIMIT))
    return tokens


def check_end(ends_at: datetime, now: datetime) -> datetime:
    """Return the end of an allowance. Raises InvalidValue for an end in the past or too far away."""
    if ends_at <= now:
        raise InvalidValue(message("The end must be in the future."))
    if ends_at - now > LONGEST:
        raise InvalidValue(message("Choose an end within the next ten years."))
    return ends_at


def clean_reason(text: str) -> str:
    """Return a reason or an answer, stripped. Raises InvalidText if it is empty or too long."""
    return clean_lines(text, message("The reason"), MAX_REASON)


def clean_answer(text: str, *, empty: bool) -> str:
    """Return the word of the person who decides, stripped; `empty` allows none. Raises InvalidText."""
    return clean_lines(text, message("The answer"), MAX_REASON, empty=empty)
