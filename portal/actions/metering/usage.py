"""Storing usage events, each once, and adding them to all sums in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.spending.crossings import note_crossings
from portal.db.metering import totals
from portal.db.metering.attribution import Owner, owner_by_id, owners_by_key, owners_by_name
from portal.db.metering.events import NewEvent, fingerprints, insert_events
from portal.db.metering.held import NewHeld, hold_events, release_events
from portal.db.metering.uncounted import Uncounted, count_uncounted
from portal.db.people.keys import note_last_use
from portal.db.spending.authorization import release
from portal.db.spending.prices import prices_of_models
from portal.db.sql.schema import locked_budget_timezone
from portal.db.templates import cost_factors
from portal.errors import Unavailable
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import sum_up
from portal.rules.metering.usage import CLOCK_TOLERANCE, UsageReport, is_repeated
from portal.rules.people.keys import NOTED_EVERY
from portal.rules.spending.prices import PriceBook, RequestTokens
from portal.rules.spending.pricing import MAX_COST, MAX_SUM, billable_tokens
from portal.settings import settings

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
"""Earlier requests are rejected. In every time zone this instant is on `rules.metering.usage.FIRST_DAY` or later."""

_PLAIN = Decimal(1)


class Result(StrEnum):
    """The result of a reported event."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    UNATTRIBUTED = "unattributed"
    REJECTED = "rejected"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one event of a batch, and the reason if it was not accepted."""

    result: Result
    error: str | None = None


ACCEPTED = Outcome(Result.ACCEPTED)
DUPLICATE = Outcome(Result.DUPLICATE)
CONFLICT = Outcome(Result.CONFLICT, "This id was reported before with other content; an administrator can see both.")
REPLAY = Outcome(Result.REPLAY, "It repeats the usage of an earlier call, and is not counted.")
UNATTRIBUTED = Outcome(Result.UNATTRIBUTED, "No account has this key or user name; the event is kept until one has.")


@dataclass(slots=True)
class _Batch:
    """The data for all events of a batch, read once, and the outcomes so far."""

    gateway_id: int
    now: datetime
    keys: dict[str, Owner]
    names: dict[str, Owner]
    template_factors: dict[str, Decimal]
    prices: PriceBook
    assigned_to: Owner | None
    otherwise: Owner | None
    undated_at: datetime
    sums: dict[int, Figures] = field(default_factory=dict)
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def owner(self, report: UsageReport) -> Owner | None:
        if self.assigned_to is not None:
            return self.assigned_to
        if not report.key_hash:
            return self.names.get(report.username or "", self.otherwise)
        known = (self.names[name] for name in report.fallback_names or () if name in self.names)
        return self.keys.get(report.key_hash) or next(known, self.otherwise)

    def with_budget(self, account_ids: set[int]) -> set[int]:
        """Return the accounts that have a budget."""
        owners = (*self.keys.values(), *self.names.values(), *filter(None, [self.assigned_to, self.otherwise]))
        return account_ids & {owner.account_id for owner in owners if owner.has_budget}

    def cost_factor(self, report: UsageReport, owner: Owner) -> Decimal:
        """The reported factor, else the named template's, else that of the account's template, else 1."""
        named = self.template_factors.get(report.template) if report.template else None
        chosen = next(factor for factor in (report.cost_factor, named, owner.cost_factor, _PLAIN) if factor is not None)
        return chosen.normalize()  # store 1.50 as 1.5


def record_usage(
    session: Session,
    gateway_id: int,
    reports: Sequence[UsageReport],
    budget_tz: ZoneInfo,
    now: datetime,
    *,
    assigned_to: str | None = None,
    undated_at: datetime | None = None,
    owner_id: int | None = None,
) -> list[Outcome]:
    """Store the events of one gateway and add the new ones to all sums; return the outcome of each, in order.

    The same reports may be sent again. Events that cannot be attributed, or that contradict a stored one, are held for
    the administrator and not counted. `assigned_to` is a user name that overrides the account in the reports;
    `undated_at` is the instant of reports without one, by default `now`; `owner_id` is the account of reports that
    cannot be attributed (`rules.metering.reporters`). Raises Unavailable if the budget time zone of
    the database was changed after this process started; without PORTAL_BUDGET_TIMEZONE it counts in the new one then.
    """
    pinned = locked_budget_timezone(session)
    if pinned is not None and pinned != budget_tz.key:
        settings().adopt_zone(pinned)
        raise Unavailable
    marks = [report.fingerprint() for report in reports]
    stored = fingerprints(session, gateway_id, list({report.id for report in reports}))
    batch = _look_up(session, gateway_id, reports, now, assigned_to, undated_at or now, owner_id)
    candidates: dict[str, tuple[int, NewEvent]] = {}
    for index, report in enumerate(reports):
        if report.id in stored or report.id in candidates:
            continue
        event = _prepare(batch, index, report, marks[index])
        if event is not None:
            candidates[report.id] = (index, event)

    new = insert_events(session, [event for _, event in candidates.values()])
    raced = [external_id for external_id in candidates if external_id not in new]
    stored |= fingerprints(session, gateway_id, raced)
    stored |= {external_id: candidates[external_id][1].fingerprint for external_id in new}
    for index, report in enumerate(reports):
        if report.id in stored:
            is_first = report.id in new and candidates[report.id][0] == index
            again = DUPLICATE if is_repeated(marks[index], stored[report.id]) else CONFLICT
            batch.outcomes[index] = ACCEPTED if is_first else again

    added = [candidates[external_id][1] for external_id in new]
    sums = sum_up(added, budget_tz)
    totals.add(session, sums)
    note_last_use(session, _uses(batch, added))
    note_crossings(session, batch.with_budget({event.account_id for event in added}), budget_tz, now)
    _hold(session, batch, reports, marks)
    release(session, gateway_id, sorted(new))
    release_events(session, gateway_id, {external_id: stored[external_id] for external_id in sorted(new)}, now)
    totals.add_shared(session, sums)  # after the rows of accounts; rows of gateways come after these
    without = sum(event.without_counts for event in added)
    count_uncounted(session, gateway_id, Uncounted(without_counts=without), now)
    return [batch.outcomes[index] for index in range(len(reports))]


def _look_up(
    session: Session,
    gateway_id: int,
    reports: Sequence[UsageReport],
    now: datetime,
    assigned_to: str | None,
    undated_at: datetime,
    owner_id: int | None,
) -> _Batch:
    keys = owners_by_key(session, {r.key_hash for r in reports if r.key_hash})
    names = {r.username for r in reports if r.username}
    names |= {name for r in reports if r.fallback_names and r.key_hash not in keys for name in r.fallback_names}
    return _Batch(
        gateway_id=gateway_id,
        now=now,
        keys=keys,
        names=owners_by_name(session, names),
        template_factors=cost_factors(session, {r.template for r in reports if r.template and r.cost_factor is None}),
        prices=PriceBook(prices_of_models(session, {r.model for r in reports})),
        assigned_to=owners_by_name(session, [assigned_to])[assigned_to] if assigned_to else None,
        otherwise=None if owner_id is None else owner_by_id(session, owner_id),
        undated_at=undated_at,
    )


def _prepare(batch: _Batch, index: int, report: UsageReport, fingerprint: str) -> NewEvent | None:
    """Return the event of a report; or store its outcome and return None."""
    requested_at = report.requested_at or batch.undated_at
    if requested_at > batch.now + CLOCK_TOLERANCE:
        batch.outcomes[index] = Outcome(Result.REJECTED, "requested_at lies more than 5 minutes in the future.")
        return None
    if requested_at < EARLIEST:
        batch.outcomes[index] = Outcome(Result.REJECTED, "requested_at lies before the year 2000.")
        return None
    owner = batch.owner(report)
    if owner is None:
        batch.outcomes[index] = UNATTRIBUTED
        return None
    factor = batch.cost_factor(report, owner)
    billable = billable_tokens(report.total_tokens, factor)
    price = None if report.without_counts else batch.prices.at(report.model, requested_at)
    tokens = RequestTokens(report.prompt_tokens, report.completion_tokens, report.cached_tokens, billable)
    cost = None if price is None else price.cost(tokens, factor)
    if report.without_counts:
        cost = 0
    if cost is not None and cost > MAX_COST:
        batch.outcomes[index] = Outcome(Result.REJECTED, "One request cannot cost more than 100,000 EUR.")
        return None
    event = NewEvent(
        gateway_id=batch.gateway_id,
        external_id=report.id,
        fingerprint=fingerprint,
        account_id=owner.account_id,
        api_key_id=owner.key_id,
        team_id=owner.team_id,
        cost_factor=factor,
        billable_tokens=billable,
        cost_nano_eur=cost,
        price_id=price.id if price else None,
        requested_at=requested_at,
        received_at=batch.now,
        without_counts=report.without_counts is True,
        **report.request(),
    )
    sums = batch.sums.get(owner.account_id, owner.lifetime) + event.figures
    if max(sums.tokens, sums.total_tokens, sums.cost_nano_eur) > MAX_SUM:
        batch.outcomes[index] = Outcome(Result.REJECTED, "The account's sums are as large as they can be counted.")
        return None
    batch.sums[owner.account_id] = sums
    return event


def _uses(batch: _Batch, events: Sequence[NewEvent]) -> dict[int, datetime]:
    """Return the last use by key id, for keys with a stored use that is older by `NOTED_EVERY` or more."""
    uses: dict[int, datetime] = {}
    for event in events:
        if event.api_key_id is not None:
            used_at = min(event.requested_at, event.received_at)
            uses[event.api_key_id] = max(uses.get(event.api_key_id, used_at), used_at)
    noted = {owner.key_id: owner.key_used_at for owner in batch.keys.values()}
    return {key: at for key, at in uses.items() if (last := noted.get(key)) is None or at - last >= NOTED_EVERY}


def _hold(session: Session, batch: _Batch, reports: Sequence[UsageReport], marks: Sequence[str]) -> None:
    """Store well-formed reports that were not counted; their bodies have digests in place of secrets."""
    held: dict[tuple[str, str], NewHeld] = {}
    for index, outcome in batch.outcomes.items():
        if outcome.result in {Result.CONFLICT, Result.UNATTRIBUTED}:
            report = reports[index]
            at = report.requested_at or batch.now
            held[report.id, marks[index]] = NewHeld(
                batch.gateway_id, report.id, marks[index], outcome.result.value, report.body(), at, batch.now
            )
    hold_events(session, [held[key] for key in sorted(held)])
