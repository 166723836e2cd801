"""Which sums an event belongs to. Ingest, verification and rebuilding all ask here, so they cannot disagree."""

from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from portal.rules.figures import Figures
from portal.rules.periods import Period, day_of, period_start


@dataclass(frozen=True, slots=True, order=True)
class CounterKey:
    """Which counter: an account's period, named by the day it starts on."""

    account_id: int
    period: Period
    start: date


@dataclass(frozen=True, slots=True, order=True)
class DailyKey:
    """Which roll-up: an account's day of the budget time zone, with one model in one mode."""

    account_id: int
    day: date
    model: str
    mode: str


@dataclass(slots=True)
class Sums:
    """What some events add to period counters and to daily roll-ups."""

    counters: dict[CounterKey, Figures] = field(default_factory=dict)
    daily: dict[DailyKey, Figures] = field(default_factory=dict)

    def add(
        self, account_id: int, requested_at: datetime, model: str, mode: str, figures: Figures, budget_tz: ZoneInfo
    ) -> None:
        """Add one event: it counts in the periods of its own instant, however late it arrives."""
        day = day_of(requested_at, budget_tz)
        for period in Period:
            counter = CounterKey(account_id, period, period_start(period, day))
            self.counters[counter] = self.counters.get(counter, Figures()) + figures
        roll_up = DailyKey(account_id, day, model, mode)
        self.daily[roll_up] = self.daily.get(roll_up, Figures()) + figures
