"""The migration to teams: sums of a database with history of several gateways tie afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from portal.actions.metering.verification import verify_in
from portal.db.metering.totals import PRUNED, TOTALS, Total, add_parts, figures_of, summed
from portal.db.sql.schema import config, migrate
from portal.db.sql.session import Database
from portal.db.tables import KeyCounter, UsageDaily
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import DailyKey, Sums, sum_up
from tests.databases import Server

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
OLD_KEY = DailyKey._fields[:6]


@dataclass(frozen=True)
class Event:
    """An event as an older version stored it."""

    id: int
    gateway_id: int
    requested_at: datetime
    figures: Figures
    account_id: int = 1
    model: str = "qwen"
    mode: str = "native"
    api_key_id: int | None = None
    team_id: int | None = None
    failed: bool = False


def history() -> list[Event]:
    """Return events around midnights, of skipped hours too, in two accounts with and without a key."""
    midnights = [datetime(2026, 11, day, hour, 30, tzinfo=UTC) for day in (20, 21) for hour in (0, 12, 22, 23)]
    changes = [datetime(2010, 4, 29, hour, 59, 59, 999999, tzinfo=UTC) for hour in (20, 21, 22)]  # days in Cairo
    found = []
    for number, (instant, gateway_id) in enumerate(product([*midnights, *changes], (1, 2))):
        figures = Figures(10 + number, 7, number, 1, 0 if number % 5 == 4 else 100 * number, int(number % 5 == 4), 0)
        account_id, key = (1, 1) if number % 3 else (2, None)
        found.append(
            Event(number + 1, gateway_id, instant, figures, account_id, api_key_id=key, failed=number % 4 == 0)
        )
    return found


@pytest.fixture
def old(databases: Server) -> Iterator[Database]:
    """A database of the version before teams, without rows."""
    database = Database(databases.new_url())
    with database.engine.begin() as connection:
        command.upgrade(config(connection), "0017")
    yield database
    database.close()


def put(connection: Connection, table: str, **values: Any) -> None:
    names = ", ".join(values)
    connection.execute(text(f"INSERT INTO {table} ({names}) VALUES (:{', :'.join(values)})"), values)


def instant(connection: Connection, value: datetime) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S.%f}" if connection.dialect.name == "sqlite" else value


def fill(connection: Connection, events: list[Event], zone: str) -> None:
    now = instant(connection, NOW)
    for number in (1, 2):
        account = {"username": f"a{number}", "display_name": "A", "email": "", "role": "user"}
        kept = {"active": True, "language": "en", "theme": "system", "created_at": now}
        put(connection, "accounts", id=number, **account, **kept)
        put(connection, "gateways", id=number, name=f"g{number}", mode="native", created_at=now)
    put(connection, "api_keys", id=1, account_id=1, key_hash="h", prefix="p", label="l", created_at=now)
    put(connection, "installation", name="budget_timezone", value=zone)
    for event in events:
        figures = event.figures
        put(
            connection,
            "usage_events",
            id=event.id,
            gateway_id=event.gateway_id,
            external_id=f"r-{event.id}",
            fingerprint="f",
            account_id=event.account_id,
            api_key_id=event.api_key_id,
            model=event.model,
            mode=event.mode,
            status="error" if event.failed else "ok",
            prompt_tokens=figures.prompt_tokens,
            completion_tokens=figures.completion_tokens,
            cached_tokens=0,
            reasoning_tokens=0,
            cost_factor="1",
            billable_tokens=figures.tokens,
            cost_nano_eur=None if figures.unpriced else figures.cost_nano_eur,
            requested_at=instant(connection, event.requested_at),
            received_at=now,
        )


def prune(connection: Connection, gateways: list[int]) -> Sums:
    """Store the sums of pruned events, one of each gateway in these; return them as they are after the migration."""
    unknown = gateways[0] if len(gateways) == 1 else 0
    sums = Sums(ZoneInfo("UTC"))
    for number, gateway_id in enumerate(gateways):
        put(connection, "pruned_events", gateway_id=gateway_id, external_id=f"p-{number}", fingerprint="f")
        key = DailyKey(1, date(2026, 11, 20) - timedelta(number), "qwen", "native", 1)
        figures = Figures(5, 3, 2, 1, 50)
        sums.daily[key._replace(gateway_id=unknown)] = figures
        for table in ("usage_pruned", "usage_daily"):
            old = dict(zip(OLD_KEY, key, strict=False)) | figures._asdict()
            put(connection, table, **old | {"day": str(key.day)})
    return sums


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", pytest.param("Africa/Cairo", id="a zone that skips midnights")], ids=str
)
@pytest.mark.parametrize("gateways", [pytest.param([2], id="pruned of one"), pytest.param([1, 2], id="pruned of both")])
def test_sums_of_several_gateways_tie_after_the_migration(old: Database, zone: str, gateways: list[int]) -> None:
    events = history()
    with old.engine.begin() as connection:
        fill(connection, events, zone)
        pruned = prune(connection, gateways)
    migrate(old)
    with Session(old.engine) as session:
        stored = sum_up(events, ZoneInfo(zone))
        for key, figures in pruned.daily.items():
            stored.daily[key] = stored.daily.get(key, Figures()) + figures
        for total in (each for each in TOTALS if each.table not in {UsageDaily, KeyCounter}):  # as they were before
            add_parts(session, total, total.parts(stored))
        session.commit()
        assert read(session, PRUNED) == pruned.daily
        for total in (each for each in TOTALS if each.table in {UsageDaily, KeyCounter}):
            assert read(session, total) == total.parts(stored)
        assert [str(fault) for fault in verify_in(session, ZoneInfo(zone))] == []


def read(session: Session, total: Total) -> dict[Any, Figures]:
    width = len(total.key._fields)
    columns = [getattr(total.table, name) for name in total.key._fields]
    rows = session.execute(select(*columns, *summed(total.table)))
    return {total.row_key(row[:width]): figures_of(row[width:]) for row in rows}


def test_undoing_adds_the_rows_of_all_gateways(old: Database) -> None:
    events = history()
    with old.engine.begin() as connection:
        fill(connection, events, "UTC")
    migrate(old)
    with old.engine.begin() as connection:
        command.downgrade(config(connection), "0017")
        row = connection.execute(text("SELECT count(*), sum(tokens), sum(requests) FROM usage_daily")).one()
    expected = {key[:6] for key in sum_up(events, ZoneInfo("UTC")).daily}
    assert tuple(map(int, row)) == (len(expected), sum(event.figures.tokens for event in events), len(events))
