"""Comparing all sums with the stored events, and computing them again.

Decision: an account is read day by day, so that only the roll-ups of one day are in memory. Pruned events are included
with the sums that are kept of them. Sums across accounts are compared with the daily roll-ups, after the accounts.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.metering import totals
from portal.db.metering.events import account_events, count_pruned, count_stored_and_pruned
from portal.db.metering.shared_totals import correct_shared, shared_differences
from portal.db.metering.totals import Total, count_requests, pruned_requests
from portal.db.metering.verification import MOST_FAULTS, begin, finish, forget
from portal.db.people.accounts import all_accounts, count_accounts, lock_account
from portal.db.sql.schema import check_budget_timezone, repin_budget_timezone
from portal.db.sql.session import database, run_in_reading, run_in_transaction
from portal.errors import Conflict
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import SumKey, Sums, add_to, start_of_hour, sum_up
from portal.rules.people.actors import Actor
from portal.rules.periods import DayFinder, day_of, end_of_day
from portal.rules.text import counted
from portal.settings import settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Difference:
    """A stored sum (`kept`) that differs from the sum of the events (`true`); one across accounts has no account."""

    key: SumKey
    kept: Figures
    true: Figures
    account_id: int | None = None

    def __str__(self) -> str:
        """Return a sentence with the name of the sum and both values."""
        kept, true = _brief(self.kept), _brief(self.true)
        if self.account_id is None:
            return f"all accounts: {self.key.name}: kept {kept}, roll-ups sum to {true}"
        return f"account {self.account_id}: {self.key.name}: kept {kept}, events sum to {true}"


@dataclass(frozen=True, slots=True)
class Fault:
    """An error in the stored data, as a sentence, with the account and the difference if it concerns one sum."""

    sentence: str
    username: str | None = None
    difference: Difference | None = None

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True, slots=True)
class _Day:
    """The sums of an account's events of one day; `over` is the end of its last whole hour.

    In some zones a day ends within an hour, so this hour is complete on the next day only. The last part of an account
    has no `day`.
    """

    day: date | None
    sums: Sums
    over: datetime | None

    def ends(self, time: date | datetime) -> bool:
        """Return whether the sums of a day or hour are complete after this day."""
        if self.day is None or self.over is None:
            return True
        return time < self.over if isinstance(time, datetime) else time <= self.day


def verify_account(
    session: Session, account_id: int, budget_tz: ZoneInfo, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Difference]:
    """Yield every counter and roll-up of an account that differs from the sum of its events.

    Run it in a snapshot, so that events and sums are of the same moment. Calls `advance` with the number of compared
    requests.
    """
    comparisons = [_Comparison(session, total, account_id) for total in totals.TOTALS]
    for part in _days(session, account_id, budget_tz):
        advance(sum(figures.requests for figures in part.sums.daily.values()))
        for comparison in comparisons:
            yield from comparison.after(part)


def verify_shared(session: Session) -> list[Difference]:
    """Return every sum across accounts that differs from the sum of the daily roll-ups; run it in a snapshot."""
    found = (each for total in totals.SHARED_TOTALS for each in shared_differences(session, total))
    return [Difference(*each) for each in found]


def verify_pruned(session: Session) -> list[str]:
    """Compare the ids of pruned events with their sums and with the stored events; return sentences about faults."""
    found = []
    ids, requests = count_pruned(session), pruned_requests(session)
    if ids != requests:
        found.append(f"pruned events: the ids of {ids:,} are kept, their sums say {requests:,}")
    twice = count_stored_and_pruned(session)
    if twice:
        found.append(f"pruned events: {twice:,} are stored as well, and so are counted twice")
    return found


def verify_ledger(budget_tz: ZoneInfo, advance: Callable[[int], None] = lambda _: None) -> Iterator[Fault]:
    """Yield all faults of sums and pruned events.

    Reads every account in a snapshot of its own, and the sums across accounts in another one.
    """
    for account in run_in_reading(all_accounts):
        with database().reading() as session:
            for difference in verify_account(session, account.id, budget_tz, advance):
                yield Fault(f"{account.username}, {difference}", account.username, difference)
    yield from run_in_reading(_verify_rest)


def verify_in(
    session: Session, budget_tz: ZoneInfo, advance: Callable[[int], None] = lambda _: None
) -> Iterator[Fault]:
    """Yield all faults as `verify_ledger`, in the transaction of a session, which may be of any database."""
    for account in all_accounts(session):
        for difference in verify_account(session, account.id, budget_tz, advance):
            yield Fault(f"{account.username}, {difference}", account.username, difference)
    yield from _verify_rest(session)


def _verify_rest(session: Session) -> list[Fault]:
    """Return the faults that are not of one account."""
    shared = [Fault(str(difference), difference=difference) for difference in verify_shared(session)]
    return shared + [Fault(sentence) for sentence in verify_pruned(session)]


def verify_nightly(now: datetime) -> bool:
    """Verify all accounts unless this was begun this night already; return whether it was done.

    Logs each fault. Opens its own transactions. Raises Unavailable.
    """
    night = day_of(now, settings().budget_zone)
    if not run_in_transaction(begin, night, now):
        return False
    complete_verification(night)
    return True


def begin_verification(session: Session, actor: Actor, now: datetime) -> date:
    """Store that an administrator has asked for a verification; call `complete_verification` with the result.

    It replaces the result of the same day. Raises Forbidden, and Conflict while one runs.
    """
    check_administrator(session, actor)
    night = day_of(now, settings().budget_zone)
    if not begin(session, night, now, again=True):
        raise Conflict(message("A verification is running already."))
    add_entry(session, actor, "ledger.verify", now)
    return night


def complete_verification(night: date) -> None:
    """Verify all accounts and store the result. Logs each fault. Opens its own transactions. Raises Unavailable."""
    try:
        differences, faults = 0, list[str]()
        for fault in verify_ledger(settings().budget_zone):
            log.error("the numbers do not tie: %s", fault)
            differences += 1
            if differences <= MOST_FAULTS:
                faults.append(str(fault))
        accounts, requests = run_in_reading(count_accounts), run_in_reading(count_requests)
        run_in_transaction(finish, night, accounts, requests, differences, faults, utc_now())
    except Exception:
        run_in_transaction(forget, night)  # so that the job tries again
        raise
    log.info("verified %d accounts, %d requests: %d differences", accounts, requests, differences)


def rebuild_all(actor: Actor, tz: ZoneInfo, now: datetime, advance: Callable[[int], None] = lambda _: None) -> int:
    """Rebuild each account in a transaction of its own, so that gateways hardly wait; return the number of accounts.

    Calls `advance` with the number of rebuilt accounts. Raises WrongDatabase if the database counts days in another
    zone.
    """
    check_budget_timezone(database(), tz.key)
    accounts = run_in_reading(all_accounts)
    for account in accounts:
        run_in_transaction(rebuild_account, account.id, tz)
        advance(1)
    run_in_transaction(correct_shared)
    run_in_transaction(_note_rebuild, actor, tz, len(accounts), now)
    return len(accounts)


def recount_all(
    session: Session, actor: Actor, tz: ZoneInfo, now: datetime, advance: Callable[[int], None] = lambda _: None
) -> int:
    """Rebuild all accounts with the days of another zone; return the number of accounts.

    Runs in one transaction, so that days of two zones are never mixed.
    """
    repin_budget_timezone(session, tz.key)
    accounts = all_accounts(session)
    for account in accounts:
        rebuild_account(session, account.id, tz)
        advance(1)
    correct_shared(session)
    _note_rebuild(session, actor, tz, len(accounts), now)
    return len(accounts)


def _note_rebuild(session: Session, actor: Actor, tz: ZoneInfo, accounts: int, now: datetime) -> None:
    add_entry(session, actor, "ledger.rebuild", now, zone=tz.key, accounts=accounts)


def rebuild_account(session: Session, account_id: int, budget_tz: ZoneInfo) -> None:
    """Compute an account's totals again from its events. Locks the account, so that new events wait.

    Sums across accounts stay as they are; they differ if the daily roll-ups were wrong.
    """
    lock_account(session, account_id)
    totals.clear(session, account_id)
    for part in _days(session, account_id, budget_tz):
        totals.add(session, part.sums)


def _days(session: Session, account_id: int, budget_tz: ZoneInfo) -> Iterator[_Day]:
    """Yield the sums of an account's events day by day. Sums of pruned events come with the next stored day."""
    pruned = _Stream(session, totals.PRUNED, account_id)
    days = DayFinder(budget_tz)
    for day, events in groupby(account_events(session, account_id), lambda event: days.day_of(event.requested_at)):
        part = _Day(day, sum_up(events, budget_tz), start_of_hour(end_of_day(day, budget_tz)))
        add_to(part.sums.daily, pruned.until(part))
        yield part
    rest = _Day(None, Sums(budget_tz), None)
    add_to(rest.sums.daily, pruned.until(rest))
    yield rest


class _Stream:
    """The stored rows of a total, read in the order of time."""

    def __init__(self, session: Session, total: Total, account_id: int) -> None:
        self._total = total
        self._rows = totals.stream(session, total, account_id)
        self._next = next(self._rows, None)

    def until(self, part: _Day) -> dict[Any, Figures]:
        """Return the next rows that are complete after a day."""
        found: dict[Any, Figures] = {}
        while self._next is not None and self.is_over(self._next[0], part):
            found[self._next[0]] = self._next[1]
            self._next = next(self._rows, None)
        return found

    def is_over(self, key: Any, part: _Day) -> bool:
        """Return whether the sum of a key is complete after a day. A total without time is complete at the end only."""
        if self._total.time is None:
            return part.day is None
        return part.ends(getattr(key, self._total.time))


class _Comparison:
    """Compares the stored rows of a total with the sums of the events."""

    def __init__(self, session: Session, total: Total, account_id: int) -> None:
        self._total = total
        self._kept = _Stream(session, total, account_id)
        self._true: dict[Any, Figures] = {}

    def after(self, part: _Day) -> Iterator[Difference]:
        """Yield the differences of the sums that are complete after a day."""
        add_to(self._true, self._total.parts(part.sums))
        if self._total.time is not None or part.day is None:
            over = [key for key in self._true if self._kept.is_over(key, part)]
            yield from _differences(self._kept.until(part), {key: self._true.pop(key) for key in over})


def _differences(kept: Mapping[Any, Figures], true: Mapping[Any, Figures]) -> Iterator[Difference]:
    for key in sorted(kept.keys() | true.keys()):
        if kept.get(key, Figures()) != true.get(key, Figures()):
            yield Difference(key, kept.get(key, Figures()), true.get(key, Figures()), key.account_id)


def _brief(figures: Figures) -> str:
    unpriced = f", {figures.unpriced:,} unpriced" if figures.unpriced else ""
    without = f", {figures.without_counts:,} without counts" if figures.without_counts else ""
    counts = f"{counted(figures.tokens, 'token')}, {counted(figures.requests, 'request')}"
    return f"{counts}, {figures.cost_nano_eur:,} nano-EUR{unpriced}{without}"
