"""Storing reports of gateways and of people's programs, and counting other entries for the gateway's page."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.metering.usage import REPLAY, Outcome, Result, record_usage
from portal.db.metering.gateways import note_reported, own_reports_gateway
from portal.db.metering.uncounted import Uncounted, count_uncounted, note_rejected
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Entry, Rejected, Replay, UsageReport


def store_reports(
    session: Session,
    reporter: Reporter,
    entries: Sequence[Entry],
    budget_tz: ZoneInfo,
    now: datetime,
    *,
    ignored: int = 0,
) -> list[Outcome]:
    """Store reported usage and count rejected entries; return the outcome of each entry, in order.

    Replays are only counted. `ignored` is the number of other items in the batch. Raises Unavailable.
    """
    gateway_id = reporter.gateway_id or own_reports_gateway(session, now).id
    owned = [reporter.own(entry) for entry in entries]
    reports = [entry for entry in owned if isinstance(entry, UsageReport)]
    owner_id = reporter.owner_id
    stored = iter(record_usage(session, gateway_id, reports, budget_tz, now, owner_id=owner_id) if reports else ())
    outcomes = [_outcome_without_event(entry) or next(stored) for entry in owned]
    rejected = [
        Rejected(entry.id, outcome.error or "")
        for entry, outcome in zip(owned, outcomes, strict=True)
        if outcome.result is Result.REJECTED
    ]
    replays = sum(isinstance(entry, Replay) for entry in owned)
    count_uncounted(session, gateway_id, Uncounted(replays=replays, rejected=len(rejected), ignored=ignored), now)
    note_rejected(session, gateway_id, rejected, now)
    if reporter.is_news(now):
        note_reported(session, gateway_id, now)
    return outcomes


def _outcome_without_event(entry: Entry) -> Outcome | None:
    """Return the outcome of an entry that is not an event; None for an event."""
    match entry:
        case Rejected():
            return Outcome(Result.REJECTED, entry.reason)
        case Replay():
            return REPLAY
        case _:
            return None


def note_refused_batch(session: Session, reporter: Reporter, reason: str, now: datetime) -> None:
    """Store why a whole batch of a gateway was refused. People's own programs only get the response."""
    if reporter.gateway_id is not None:
        count_uncounted(session, reporter.gateway_id, Uncounted(rejected=1), now)
        note_rejected(session, reporter.gateway_id, [Rejected(None, f"All that was sent at once: {reason}")], now)
        note_reported(session, reporter.gateway_id, now)
