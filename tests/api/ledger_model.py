"""The ledger in plain Python: what must be counted, whatever is done in whatever order."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from portal.actions.metering.usage import Result
from portal.rules.metering.usage import UsageReport
from portal.rules.spending.budgets import Limits

HALF = Fraction(1, 2)


@dataclass
class Entry:
    """One event that counts, for the team its owner was in. `cost` is in nano-euros; None without a price."""

    owner: str
    team: str | None
    usage: UsageReport
    requested_at: datetime
    received_at: datetime
    billable: int
    cost: int | None
    pruned: bool = False


@dataclass
class Held:
    """One event that is held back."""

    usage: UsageReport
    reason: Result
    received_at: datetime
    settled: bool = False


@dataclass
class Reserved:
    """Tokens that are reserved for a request of somebody, with the key or without."""

    owner: str
    tokens: int
    expires_at: datetime


@dataclass
class Extra:
    """An allowance of somebody for one period."""

    owner: str
    period: str
    tokens: int
    ends_at: datetime


@dataclass
class Ledger:
    """All there is to know. Days are those of UTC; `book` has EUR per token by first instant, None is since ever.

    `model_book` has EUR per million prompt, completion and cached tokens by name or prefix of models and first instant.
    """

    book: dict[datetime | None, Fraction] = field(default_factory=lambda: {None: Fraction(2, 100_000)})
    model_book: dict[tuple[str, datetime], tuple[int, int, int]] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    limits: dict[str, Limits] = field(default_factory=dict)
    key_limits: dict[str, Limits] = field(default_factory=dict)
    team_limits: dict[str, Limits] = field(default_factory=dict)
    team_of: dict[str, str] = field(default_factory=dict)
    suspended: set[str] = field(default_factory=set)
    extras: dict[int, Extra] = field(default_factory=dict)
    reserved: dict[str, Reserved] = field(default_factory=dict)

    def take(self, batch: Iterable[UsageReport], now: datetime) -> list[Result]:
        """Return what must become of each report of a batch."""
        batch = list(batch)
        firsts: dict[str, int] = {}
        for index, usage in enumerate(batch):
            if usage.username != "nobody" and usage.id not in self.entries:
                self._count(usage, str(usage.username), now)
                firsts[usage.id] = index
        results = [self._result(index, usage, firsts) for index, usage in enumerate(batch)]
        for usage, result in zip(batch, results, strict=True):
            if result in {Result.UNATTRIBUTED, Result.CONFLICT}:
                self._hold(usage, result, now)
        for external_id in firsts:
            self._release(external_id)
        return results

    def assign(self, body: str, owner: str) -> None:
        """Count a held event for somebody."""
        held = self.held[body]
        self._count(held.usage, owner, held.received_at)
        self._release(held.usage.id)

    def open_strays(self) -> list[str]:
        """Return what could be assigned: the bodies of unattributed events that are not settled."""
        return [body for body, h in self.held.items() if h.reason is Result.UNATTRIBUTED and not h.settled]

    def repair(self) -> None:
        """Give a cost to all that has a price by now."""
        for entry in self.entries.values():
            if entry.cost is None:
                entry.cost = self._cost(entry.usage, entry.billable, entry.requested_at)

    def prune(self, first_kept: datetime, now: datetime) -> None:
        """Let go of old events; they count all the same."""
        for entry in self.entries.values():
            is_settled = entry.received_at < now - timedelta(days=1)
            entry.pruned |= entry.requested_at < first_kept and is_settled and entry.cost is not None

    def of(self, owner: str, first: date = date.min, last: date = date.max) -> list[Entry]:
        """Return what somebody used on some days."""
        return [e for e in self.entries.values() if e.owner == owner and first <= e.requested_at.date() <= last]

    def limits_in_force(self, owner: str, now: datetime) -> dict[str, int | None]:
        """Return the limits of an account by period, with its allowances."""
        limits = limits_by_period(self.limits.get(owner, Limits()))
        for extra in self.extras.values():
            limit = limits[extra.period]
            if extra.owner == owner and now < extra.ends_at and limit is not None:
                limits[extra.period] = limit + extra.tokens
        return limits

    def refusing(self, owner: str, estimate: int, request_id: str, now: datetime) -> tuple[str, str] | None:
        """Return owner and period of the first budget that refuses a request with somebody's key."""
        team = self.team_of.get(owner)
        everything = list(self.entries.values())
        held = [each for id, each in self.reserved.items() if id != request_id and each.expires_at > now]
        own = sum(each.tokens for each in held if each.owner == owner)
        shared = sum(each.tokens for each in held if self.team_of.get(each.owner) == team)
        owned = [entry for entry in everything if entry.owner == owner]
        key_limits, team_limits = self.key_limits.get(owner, Limits()), self.team_limits.get(team or "", Limits())
        for kind, limits, entries, reserved in (
            ("key", limits_by_period(key_limits), [entry for entry in owned if entry.usage.key_hash], own),
            ("account", self.limits_in_force(owner, now), owned, own),
            ("team", limits_by_period(team_limits), [entry for entry in everything if entry.team == team], shared),
        ):
            for period, limit in limits.items():
                used = sum(entry.billable for entry in entries if is_in(period, entry.requested_at, now))
                if limit is not None and (used + reserved >= limit or used + reserved + estimate > limit):
                    return kind, period
        return None

    def _count(self, usage: UsageReport, owner: str, received_at: datetime) -> None:
        requested_at = usage.requested_at or received_at
        factor = Fraction(usage.cost_factor if usage.cost_factor is not None else 1)
        billable = (usage.total_tokens * factor + HALF).__floor__()
        cost = 0 if usage.without_counts else self._cost(usage, billable, requested_at)
        team = self.team_of.get(owner)
        self.entries[usage.id] = Entry(owner, team, usage, requested_at, received_at, billable, cost)
        if usage.id in self.reserved and self.reserved[usage.id].owner == owner:
            del self.reserved[usage.id]

    def _cost(self, usage: UsageReport, billable: int, at: datetime) -> int | None:
        begun = [(pattern, since) for pattern, since in self.model_book if fits(pattern, usage.model) and since <= at]
        if begun:  # exact names have no star, and longer prefixes go first; of each the latest
            prompt, completion, cached = self.model_book[max(begun, key=lambda e: ("*" not in e[0], len(e[0]), e[1]))]
            uncached = usage.prompt_tokens - usage.cached_tokens
            millionths = uncached * prompt + usage.cached_tokens * cached + usage.completion_tokens * completion
            factor = Fraction(usage.cost_factor if usage.cost_factor is not None else 1)
            return (millionths * factor * 1000 + HALF).__floor__()
        return self._general_cost(billable, at)

    def _general_cost(self, billable: int, at: datetime) -> int | None:
        begun = [begins for begins in self.book if begins is not None and begins <= at]
        if not begun and None not in self.book:
            return None
        return (billable * self.book[max(begun, default=None)] * 10**9 + HALF).__floor__()

    def _result(self, index: int, usage: UsageReport, firsts: dict[str, int]) -> Result:
        if usage.id not in self.entries:
            return Result.UNATTRIBUTED
        if firsts.get(usage.id) == index:
            return Result.ACCEPTED
        return Result.DUPLICATE if usage == self.entries[usage.id].usage else Result.CONFLICT

    def _hold(self, usage: UsageReport, reason: Result, now: datetime) -> None:
        held = self.held.get(usage.body())
        if held is None:
            self.held[usage.body()] = Held(usage, reason, now)
        elif held.reason is not reason:
            held.reason, held.settled = reason, False

    def _release(self, external_id: str) -> None:
        for held in self.held.values():
            if held.usage.id == external_id and held.reason is Result.UNATTRIBUTED and not held.settled:
                held.settled = held.usage == self.entries[external_id].usage
                held.reason = held.reason if held.settled else Result.CONFLICT


def fits(pattern: str, model: str) -> bool:
    """Return whether a name, or a prefix with a star, is that of a model."""
    return model.startswith(pattern[:-1]) if pattern.endswith("*") else model == pattern


def limits_by_period(limits: Limits) -> dict[str, int | None]:
    """Return limits by the name of their period."""
    return {"daily": limits.daily, "monthly": limits.monthly, "total": limits.total}


def is_in(period: str, at: datetime, now: datetime) -> bool:
    """Return whether an instant is in the day, in the month or in the life of `now`."""
    parts = {"daily": 3, "monthly": 2, "total": 0}[period]
    return at.timetuple()[:parts] == now.timetuple()[:parts]
