"""What must be true after everything, found out from the database itself."""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.actions.verification import verify_account
from portal.db.sql.session import Database
from tools.chaos.clients import Ledger

BUDGET_ZONE = ZoneInfo("America/Havana")
"""One whose days are not those of UTC."""

SUMMED = "sum(tokens), sum(prompt_tokens), sum(completion_tokens), sum(requests), sum(cost_nano_eur)"
SUMS = {
    "events": (
        "SELECT account_id, sum(billable_tokens), sum(prompt_tokens), sum(completion_tokens), count(*), "
        "sum(cost_nano_eur) FROM usage_events GROUP BY account_id"
    ),
    "days' counters": f"SELECT account_id, {SUMMED} FROM usage_counters WHERE period = 'daily' GROUP BY account_id",
    "months' counters": f"SELECT account_id, {SUMMED} FROM usage_counters WHERE period = 'monthly' GROUP BY account_id",
    "total counters": f"SELECT account_id, {SUMMED} FROM usage_counters WHERE period = 'total' GROUP BY account_id",
    "sums by model": f"SELECT account_id, {SUMMED} FROM usage_by_model GROUP BY account_id",
    "daily roll-ups": f"SELECT account_id, {SUMMED} FROM usage_daily GROUP BY account_id",
    "hourly roll-ups": f"SELECT account_id, {SUMMED} FROM usage_hourly GROUP BY account_id",
}
STORED = (
    "SELECT gateways.name, external_id, prompt_tokens, completion_tokens "
    "FROM usage_events JOIN gateways ON gateways.id = gateway_id"
)


def violations(database: Database, ledger: Ledger, *, exactly: bool = False) -> list[str]:
    """Return in sentences what is wrong while nobody sends; `exactly`: all that is stored was acknowledged."""
    with database.reading() as session:
        return [*ledger.surprises, *_events(session, ledger, exactly=exactly), *_sums(session)]


def _events(session: Session, ledger: Ledger, *, exactly: bool) -> Iterator[str]:
    rows = [tuple(row) for row in session.execute(text(STORED))]
    stored = Counter((gateway, id) for gateway, id, *_ in rows)
    yield from (f"{id} is stored {count} times" for id, count in stored.items() if count > 1)
    yield from _each("was acknowledged but is not stored", ledger.acknowledged - stored.keys())
    yield from _each("is stored but was never sent", stored.keys() - ledger.sent.keys())
    if exactly:
        yield from _each("is stored but was not acknowledged", stored.keys() - ledger.acknowledged)
    for gateway, id, *tokens in rows:
        said: dict[str, Any] = ledger.sent.get((gateway, id), {})
        if said and tokens != [said["prompt_tokens"], said["completion_tokens"]]:
            yield f"{gateway} {id} is stored with {tokens}"
    held = session.execute(text("SELECT count(*) FROM held_events")).scalar()
    if held:
        yield f"{held} events are held, though none was strange"


def _each(sentence: str, ids: set[tuple[str, str]]) -> Iterator[str]:
    yield from (f"{' '.join(id)} {sentence}" for id in sorted(ids))


def _sums(session: Session) -> Iterator[str]:
    sums = {
        name: sorted([int(value) for value in row] for row in session.execute(text(query)))
        for name, query in SUMS.items()
    }
    yield from (f"{name} add up to {found}, events to {sums['events']}" for name, found in sums.items()
                if found != sums["events"])  # fmt: skip
    for account_id in session.execute(text("SELECT id FROM accounts ORDER BY id")).scalars().all():
        yield from map(str, verify_account(session, account_id, BUDGET_ZONE))
