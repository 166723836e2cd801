"""Taking what gateways and people's programs report: the ledger gets the events, the gateway's page the rest."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.usage import REPLAY, Outcome, Result, record_usage
from portal.db.gateways import note_reported, own_reports_gateway
from portal.db.uncounted import Uncounted, count_uncounted, note_rejected
from portal.rules.reporters import Reporter
from portal.rules.usage import Entry, Rejected, Replay, UsageReport


def store_reports(
    session: Session,
    reporter: Reporter,
    entries: Sequence[Entry],
    budget_tz: ZoneInfo,
    now: datetime,
    *,
    ignored: int = 0,
) -> list[Outcome]:
    """Store what was reported, and note what could not be; return what became of each entry, in order.

    Replays are counted as such, and nothing of them is stored. `ignored` is how much more there was that is about
    something else than usage. Raises Unavailable.
    """
    gateway_id = reporter.gateway_id or own_reports_gateway(session, now).id
    owned = [reporter.own(entry) for entry in entries]
    reports = [entry for entry in owned if isinstance(entry, UsageReport)]
    stored = iter(record_usage(session, gateway_id, reports, budget_tz, now) if reports else ())
    outcomes = [_without_asking(entry) or next(stored) for entry in owned]
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


def _without_asking(entry: Entry) -> Outcome | None:
    """Return what becomes of an entry that is not for the ledger."""
    match entry:
        case Rejected():
            return Outcome(Result.REJECTED, entry.reason)
        case Replay():
            return REPLAY
        case _:
            return None


def note_refused_batch(session: Session, reporter: Reporter, reason: str, now: datetime) -> None:
    """Note why all that a gateway sent at once was refused; for people's own programs the response is enough."""
    if reporter.gateway_id is not None:
        count_uncounted(session, reporter.gateway_id, Uncounted(rejected=1), now)
        note_rejected(session, reporter.gateway_id, [Rejected(None, f"All that was sent at once: {reason}")], now)
        note_reported(session, reporter.gateway_id, now)
