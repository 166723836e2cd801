"""Fill accounts with many requests in SQL, since reporting them would take hours.

Their ids are random, like those of gateways; models, modes, keys and tokens follow from a hash of their number. The
sums are added up in SQL too; budgets have UTC days.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from portal.db.metering.shared_totals import correct_shared
from portal.db.sql.session import Database
from portal.rules.metering.rollups import start_of_hour
from tools.bench.premises import MODELS, MODES, Premises

DAYS = 400
"""The requests are spread evenly over these days, up to the last whole hour."""
DAYS_AT_ONCE = 10

EVENTS = """
WITH RECURSIVE numbers(number) AS (SELECT :first UNION ALL SELECT number + 1 FROM numbers WHERE number < :last),
hashed AS (SELECT number, number * 2654435761 % 4294967296 AS hash,
    :start + (number / :a_day) * 86400000000
    + (number % :a_day) * 86400000000 / :a_day AS instant FROM numbers),
owned AS (SELECT *, hash / 16 % :accounts AS place FROM hashed),
sized AS (SELECT *, hash / 7 % 10000 AS prompt, hash / 11 % 1000 AS completion,
    strftime('%Y-%m-%d %H:%M:%S', instant / 1000000, 'unixepoch') || printf('.%06d', instant % 1000000) AS at
    FROM owned)
INSERT INTO usage_events (gateway_id, external_id, fingerprint, account_id, api_key_id, team_id, session_id, model,
    mode, template, status, prompt_tokens, completion_tokens, cached_tokens, reasoning_tokens, cost_factor,
    billable_tokens, cost_nano_eur, latency_ms, requested_at, received_at)
SELECT :gateway, 'chatcmpl-' || lower(hex(randomblob(16))), lower(hex(randomblob(32))),
    :account + place, :key + place * :keys + hash / 4096 % :keys,
    CASE :teams WHEN 0 THEN NULL ELSE 1 + (:account + place) % :teams END, NULL, :model || (hash / 8 % :models),
    CASE hash / 512 % 3 WHEN 0 THEN :mode_0 WHEN 1 THEN :mode_1 ELSE :mode_2 END,
    NULL, CASE hash / 131072 % 50 WHEN 0 THEN 'error' ELSE 'ok' END, prompt, completion, 0, 0, '1',
    prompt + completion, (prompt + completion) * 20000, hash / 13 % 20000, at, at
FROM sized
"""
FIGURES = """sum(billable_tokens), sum(prompt_tokens), sum(completion_tokens), count(*), sum(cost_nano_eur),
    count(*) - count(cost_nano_eur), sum(without_counts)"""
SUMS = "tokens, prompt_tokens, completion_tokens, requests, cost_nano_eur, unpriced, without_counts"
ADDED = ", ".join(f"sum({name})" for name in SUMS.split(", "))
STARTS = {"daily": "day", "monthly": "substr(day, 1, 8) || '01'", "total": "'1970-01-01'"}
"""The start of each period, from a day."""
DETAIL = "model, mode, api_key_id, failed"
DETAIL_OF_EVENT = "model, mode, coalesce(api_key_id, 0), status <> 'ok'"


def _sums() -> Iterator[str]:
    """Yield the statements that add up the events, with the days of UTC."""
    day, hour = "substr(requested_at, 1, 10)", "substr(requested_at, 1, 13) || ':00:00.000000'"
    for table, column, more, values in (
        (f"usage_daily (account_id, day, {DETAIL}, team_id, gateway_id", day, ", coalesce(team_id, 0), gateway_id", 8),
        (f"usage_hourly (account_id, hour, {DETAIL}", hour, "", 6),
    ):
        groups = ", ".join(map(str, range(1, values + 1)))
        yield f"""INSERT INTO {table}, {SUMS}) SELECT account_id, {column}, {DETAIL_OF_EVENT}{more}, {FIGURES}
            FROM usage_events GROUP BY {groups}"""
    yield f"""INSERT INTO usage_by_model (account_id, day, model, mode, {SUMS})
        SELECT account_id, day, model, mode, {ADDED} FROM usage_daily GROUP BY 1, 2, 3, 4"""
    for period, start in STARTS.items():
        yield f"""INSERT INTO usage_counters (account_id, period, start, {SUMS})
            SELECT account_id, '{period}', {start}, {ADDED} FROM usage_by_model GROUP BY 1, 3"""
        yield f"""INSERT INTO key_counters (account_id, api_key_id, period, start, {SUMS})
            SELECT account_id, api_key_id, '{period}', {start}, {ADDED} FROM usage_daily GROUP BY 1, 2, 4"""


def fill(database: Database, premises: Premises, events: int, now: datetime, teams: int = 0) -> datetime:
    """Store events and their sums for all accounts of a new SQLite database; return the end of the last hour.

    `events` is a multiple of 400, with the same number each day. Accounts are in the teams 1 to `teams` in turn.
    """
    assert events % DAYS == 0, f"{DAYS} days with the same number of requests each"
    end = start_of_hour(now)
    connection = database.engine.raw_connection()
    try:
        cursor = connection.cursor()
        for pragma in ("synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            cursor.execute(f"PRAGMA {pragma}")
        for day in range(0, DAYS, DAYS_AT_ONCE):
            _fill_days(cursor, _named(premises, events, end, teams), day, events // DAYS)
        cursor.execute("BEGIN IMMEDIATE")
        for statement in _sums():
            cursor.execute(statement)
        cursor.execute("COMMIT")
    finally:
        connection.detach()  # no other code gets a connection with these settings
        connection.close()
    with database.transaction() as session:
        correct_shared(session)
    return end


def _named(premises: Premises, events: int, end: datetime, teams: int) -> dict[str, Any]:
    account_id = min(premises.keys)
    keys = premises.key_ids[account_id]
    start = end - timedelta(DAYS)
    return {
        "gateway": premises.gateway_id,
        "account": account_id,
        "accounts": len(premises.keys),
        "teams": teams,
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
