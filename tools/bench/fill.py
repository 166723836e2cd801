"""Fill one account with many requests in SQL, since reporting them would take hours.

Their ids are random, like those of gateways; models, modes, keys and tokens follow from a hash of their number. A
rebuild writes the sums.
"""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from portal.actions.metering.verification import rebuild_account
from portal.db.sql.session import Database
from portal.rules.metering.rollups import start_of_hour
from tools.bench.premises import BUDGET_ZONE, MODELS, MODES, Premises

DAYS = 400
"""The requests are spread evenly over these days, up to the last whole hour."""
DAYS_AT_ONCE = 10

EVENTS = """
WITH RECURSIVE numbers(number) AS (SELECT :first UNION ALL SELECT number + 1 FROM numbers WHERE number < :last),
hashed AS (SELECT number, number * 2654435761 % 4294967296 AS hash,
    :start + (number / :a_day) * 86400000000
    + (number % :a_day) * 86400000000 / :a_day AS instant FROM numbers),
sized AS (SELECT *, hash / 7 % 10000 AS prompt, hash / 11 % 1000 AS completion,
    strftime('%Y-%m-%d %H:%M:%S', instant / 1000000, 'unixepoch') || printf('.%06d', instant % 1000000) AS at
    FROM hashed)
INSERT INTO usage_events (gateway_id, external_id, fingerprint, account_id, api_key_id, session_id, model, mode,
    template, status, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_factor, billable_tokens,
    cost_nano_eur, latency_ms, requested_at, received_at)
SELECT :gateway, 'chatcmpl-' || lower(hex(randomblob(16))), lower(hex(randomblob(32))), :account,
    :key + hash / 4096 % :keys, NULL, :model || (hash / 8 % :models),
    CASE hash / 512 % 3 WHEN 0 THEN :mode_0 WHEN 1 THEN :mode_1 ELSE :mode_2 END,
    NULL, CASE hash / 131072 % 50 WHEN 0 THEN 'error' ELSE 'ok' END, prompt, completion, 0, 0, '1',
    prompt + completion, (prompt + completion) * 20000, hash / 13 % 20000, at, at
FROM sized
"""


def fill(database: Database, premises: Premises, account_id: int, events: int, now: datetime) -> datetime:
    """Store events and their sums for an account of a new SQLite database; return the end of the last hour.

    `events` is a multiple of 400, with the same number each day.
    """
    assert events % DAYS == 0, f"{DAYS} days with the same number of requests each"
    end = start_of_hour(now)
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        for day in range(0, DAYS, DAYS_AT_ONCE):
            _fill_days(cursor, _named(premises, account_id, events, end), day, events // DAYS)
    finally:
        connection.detach()  # no other code gets a connection with these settings
        connection.close()
    with database.transaction() as session:
        rebuild_account(session, account_id, BUDGET_ZONE)
    return end


def _named(premises: Premises, account_id: int, events: int, end: datetime) -> dict[str, Any]:
    keys = premises.key_ids[account_id]
    start = end - timedelta(DAYS)
    return {
        "gateway": premises.gateway_id,
        "account": account_id,
        "key": keys[0],
        "keys": len(keys),
        "models": len(MODELS),
        "model": MODELS[0][:-1],
        **{f"mode_{number}": mode for number, mode in enumerate(MODES)},
        "start": int(start.timestamp()) * 1_000_000,
        "a_day": events // DAYS,
    }


def _fill_days(cursor: Any, named: dict[str, Any], day: int, a_day: int) -> None:
    """Store the events of some days."""
    first = day * a_day
    cursor.execute("BEGIN IMMEDIATE")
    cursor.execute(EVENTS, named | {"first": first, "last": first + DAYS_AT_ONCE * a_day - 1})
    cursor.execute("COMMIT")


def size(database: Database) -> int:
    """Return the bytes of a database file, including its journal."""
    assert database.engine.url.database is not None
    connection = database.engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()
    return Path(database.engine.url.database).stat().st_size
