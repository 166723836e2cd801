"""Proving that the sums are the sums, and writing them anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.db.counters import account_counters, account_daily, add_to_counters, add_to_daily, clear_counters
from portal.db.ledger import account_events, lock_account
from portal.rules.figures import Figures
from portal.rules.ledger import CounterKey, DailyKey, Sums

Key = TypeVar("Key", CounterKey, DailyKey)


@dataclass(frozen=True, slots=True)
class Difference:
    """A sum that is not what the events add up to."""

    key: CounterKey | DailyKey
    kept: Figures
    true: Figures

    def __str__(self) -> str:
        """Name the sum and both values."""
        key = self.key
        which = (
            f"{key.period} counter of {key.start}"
            if isinstance(key, CounterKey)
            else f"roll-up of {key.day}, {key.model}, {key.mode}"
        )
        return f"account {key.account_id}: {which}: kept {_brief(self.kept)}, events sum to {_brief(self.true)}"


def verify_account(session: Session, account_id: int, budget_tz: ZoneInfo) -> Iterator[Difference]:
    """Yield every counter and roll-up of an account that differs from the sum of its events.

    Run it in a snapshot: events that arrive meanwhile are then neither in the one nor in the other.
    """
    sums = _sum_up(session, account_id, budget_tz)
    yield from _differences(account_counters(session, account_id), sums.counters)
    yield from _differences(account_daily(session, account_id), sums.daily)


def rebuild_account(session: Session, account_id: int, budget_tz: ZoneInfo) -> None:
    """Write an account's counters and roll-ups anew from its events; its new events wait until that is done."""
    lock_account(session, account_id)
    sums = _sum_up(session, account_id, budget_tz)
    clear_counters(session, account_id)
    add_to_counters(session, sums.counters)
    add_to_daily(session, sums.daily)


def _sum_up(session: Session, account_id: int, budget_tz: ZoneInfo) -> Sums:
    sums = Sums()
    for event in account_events(session, account_id):
        sums.add(account_id, event.requested_at, event.model, event.mode, event.figures, budget_tz)
    return sums


def _differences(kept: Mapping[Key, Figures], true: Mapping[Key, Figures]) -> Iterator[Difference]:
    for key in sorted(kept.keys() | true.keys()):
        if kept.get(key, Figures()) != true.get(key, Figures()):
            yield Difference(key, kept.get(key, Figures()), true.get(key, Figures()))


def _brief(figures: Figures) -> str:
    return f"{figures.tokens:,} tokens, {figures.requests:,} requests, {figures.cost_nano_eur:,} nano-EUR"
