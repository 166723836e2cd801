"""Taking what gateways and people's programs report: the ledger gets the events, the gateway's page the rest."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.usage import Outcome, Result, record_usage
from portal.db.gateways import note_reported, own_reports_gateway
from portal.db.rejected import note_uncounted
from portal.rules.reporters import Reporter
from portal.rules.usage import Rejected, UsageReport


def store_reports(
    session: Session,
    reporter: Reporter,
    entries: Sequence[UsageReport | Rejected],
    budget_tz: ZoneInfo,
    now: datetime,
    *,
    ignored: int = 0,
) -> list[Outcome]:
    """Store what was reported, and note what could not be; return what became of each entry, in order.

    `ignored` is how much more there was that is about something else than usage. Raises Unavailable.
    """
    gateway_id = reporter.gateway_id or own_reports_gateway(session, now).id
    owned = [reporter.own(entry) for entry in entries]
    reports = [entry for entry in owned if isinstance(entry, UsageReport)]
    stored = iter(record_usage(session, gateway_id, reports, budget_tz, now) if reports else ())
    outcomes = [Outcome(Result.REJECTED, e.reason) if isinstance(e, Rejected) else next(stored) for e in owned]
    rejected = [
        Rejected(entry.id, outcome.error or "")
        for entry, outcome in zip(owned, outcomes, strict=True)
        if outcome.result is Result.REJECTED
    ]
    note_uncounted(session, gateway_id, rejected, ignored, now)
    if reporter.is_news(now):
        note_reported(session, gateway_id, now)
    return outcomes


def note_refused_batch(session: Session, reporter: Reporter, reason: str, now: datetime) -> None:
    """Note why all that a gateway sent at once was refused; people's own programs are told, and that is enough."""
    if reporter.gateway_id is not None:
        note_uncounted(session, reporter.gateway_id, [Rejected(None, f"All that was sent at once: {reason}")], 0, now)
        note_reported(session, reporter.gateway_id, now)
