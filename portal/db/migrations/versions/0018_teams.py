"""Teams, budgets of API keys, and the sums of teams, of keys and of the organisation.

Why       Members of a team share a budget, a key may have one, and administrators see the usage of all accounts.
Old rows  No account has a team, so all usage so far is without one (0). Daily roll-ups are computed again from the
          events, since they now have the gateway. Sums of pruned events have the gateway if only one has any, else 0.
Cost      Reads all events once: some seconds for a million. Other columns are a catalogue change on both databases.
Undo      Drops teams and budgets of keys, and adds the roll-ups of all teams and gateways; events stay.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SUMS = ("tokens", "prompt_tokens", "completion_tokens", "requests", "cost_nano_eur", "unpriced", "without_counts")
SUMMED = ", ".join(f"sum({name})" for name in SUMS)
KEPT = ", ".join(SUMS)
DETAIL = "account_id, day, model, mode, api_key_id, failed"
COUNTED = (
    "billable_tokens AS tokens, prompt_tokens, completion_tokens, 1 AS requests, coalesce(cost_nano_eur, 0) AS "
    "cost_nano_eur, CASE WHEN cost_nano_eur IS NULL THEN 1 ELSE 0 END AS unpriced, "
    "CASE WHEN without_counts THEN 1 ELSE 0 END AS without_counts"
)
DAY = "(SELECT days.day FROM days WHERE days.begins <= requested_at ORDER BY days.begins DESC LIMIT 1)"
REFERENCES = (
    ("accounts", "team_id", "teams"),
    ("usage_events", "team_id", "teams"),
    ("reservations", "team_id", "teams"),
    ("reservations", "api_key_id", "api_keys"),
)
INDEXES = (
    ("ix_accounts_team_id", "accounts", ["team_id"]),
    ("ix_reservations_team_id", "reservations", ["team_id"]),
    ("ix_usage_counters_period", "usage_counters", ["period", "start"]),
)


def upgrade() -> None:
    create_teams()
    for reference in REFERENCES:
        add_reference(*reference)
    for index in INDEXES:
        op.create_index(*index)
    create_sums()
    add_keys_of_pruned()
    count_days()
    count_the_rest()


def downgrade() -> None:
    for table in ("usage_daily", "usage_pruned"):
        replace_days(table, f"SELECT {DETAIL}, {SUMMED} FROM before GROUP BY {DETAIL}", ())  # noqa: S608  # names of our own
    for table in ("organisation_daily", "team_counters", "key_counters"):
        op.drop_table(table)
    for name, table, _ in INDEXES:
        op.drop_index(name, table)
    for table, column, _ in REFERENCES:
        op.drop_column(table, column)
    for table in ("key_budgets", "team_managers", "teams"):
        op.drop_table(table)


def create_teams() -> None:
    op.create_table(
        "teams",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("cost_centre", sa.String(length=64), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False),
        *limits(),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name_key", name=op.f("uq_teams_name_key")),
    )
    op.create_table(
        "team_managers",
        sa.Column("team_id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_team_managers_account_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_managers_team_id")),
        sa.PrimaryKeyConstraint("team_id", "account_id", name=op.f("pk_team_managers")),
    )
    op.create_index("ix_team_managers_account_id", "team_managers", ["account_id"])
    op.create_table(
        "key_budgets",
        sa.Column("api_key_id", WHOLE, nullable=False),
        *limits(),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_key_budgets_api_key_id")),
        sa.PrimaryKeyConstraint("api_key_id", name=op.f("pk_key_budgets")),
    )


def limits() -> Iterator[sa.Column[int]]:
    return (sa.Column(name, WHOLE, nullable=True) for name in ("daily", "monthly", "total"))


def add_reference(table: str, column: str, target: str) -> None:
    name = f"fk_{table}_{column}"
    if op.get_context().dialect.name == "sqlite":  # Alembic would copy the table, to which others refer
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} INTEGER CONSTRAINT {name} REFERENCES {target} (id)")
        return
    op.add_column(table, sa.Column(column, sa.BigInteger(), nullable=True))
    op.create_foreign_key(name, table, target, [column], ["id"])


def create_sums() -> None:
    op.create_table(
        "key_counters",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("api_key_id", WHOLE, nullable=False),
        *period(),
        *sums(),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_key_counters_account_id")),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_key_counters_api_key_id")),
        sa.PrimaryKeyConstraint("account_id", "api_key_id", "period", "start", name=op.f("pk_key_counters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "team_counters",
        sa.Column("team_id", WHOLE, nullable=False),
        *period(),
        *sums(),
        sa.PrimaryKeyConstraint("team_id", "period", "start", name=op.f("pk_team_counters")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_team_counters_period", "team_counters", ["period", "start"])
    op.create_table(
        "organisation_daily",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        *sums(),
        sa.PrimaryKeyConstraint("day", "gateway_id", "model", "mode", name=op.f("pk_organisation_daily")),
        sqlite_with_rowid=False,
    )


def period() -> tuple[sa.Column[str], sa.Column[date]]:
    return sa.Column("period", sa.String(length=8), nullable=False), sa.Column("start", sa.Date(), nullable=False)


def sums() -> Iterator[sa.Column[int]]:
    default = {"without_counts": sa.text("0")}
    return (sa.Column(name, WHOLE, server_default=default.get(name), nullable=False) for name in SUMS)


def replace_days(table: str, rows: str, more: tuple[str, ...]) -> None:
    """Create a table of roll-ups of days with other keys, and fill it; `rows` reads the old table as `before`."""
    op.execute(f"CREATE TEMPORARY TABLE before AS SELECT * FROM {table}")  # noqa: S608  # names of our own
    op.drop_table(table)
    key = "account_id", "day", "model", "mode", "api_key_id", "failed", *more
    op.create_table(
        table,
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("api_key_id", WHOLE, nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        *(sa.Column(name, WHOLE, nullable=False) for name in more),
        *sums(),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f(f"fk_{table}_account_id")),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO {table} ({', '.join(key)}, {KEPT}) {rows}")  # names of our own
    op.execute("DROP TABLE before")


def add_keys_of_pruned() -> None:
    gateways = op.get_bind().execute(sa.text("SELECT DISTINCT gateway_id FROM pruned_events LIMIT 2")).scalars().all()
    gateway_id = gateways[0] if len(gateways) == 1 else 0
    rows = f"SELECT {DETAIL}, 0, {gateway_id}, {KEPT} FROM before"  # noqa: S608  # names and a number
    replace_days("usage_pruned", rows, ("team_id", "gateway_id"))


def count_days() -> None:
    """Compute the daily roll-ups again from the events and the sums of pruned events."""
    list_days()
    events = (
        f"SELECT account_id, {DAY} AS day, model, mode, coalesce(api_key_id, 0) AS api_key_id, "  # noqa: S608  # names
        f"status <> 'ok' AS failed, 0 AS team_id, gateway_id, {COUNTED} FROM usage_events"
    )
    key = f"{DETAIL}, team_id, gateway_id"
    both = f"{events} UNION ALL SELECT {key}, {KEPT} FROM usage_pruned"  # noqa: S608  # names of our own
    rows = f"SELECT {key}, {SUMMED} FROM ({both}) AS counted GROUP BY {key}"  # noqa: S608  # names of our own
    replace_days("usage_daily", rows, ("team_id", "gateway_id"))
    op.execute("DROP TABLE days")


def list_days() -> None:
    """Create a table of the days of all events, with the instant at which each begins in the budget time zone."""
    connection = op.get_bind()
    days = sa.Table(
        "days",
        sa.MetaData(),
        sa.Column("begins", INSTANT, primary_key=True),
        sa.Column("day", sa.Date(), nullable=False),
        prefixes=["TEMPORARY"],
    )
    days.create(connection)
    requested_at = sa.column("requested_at", INSTANT)
    if connection.execute(sa.text("SELECT 1 FROM usage_events LIMIT 1")).first() is None:
        return
    ends = sa.select(sa.func.min(requested_at), sa.func.max(requested_at)).select_from(sa.table("usage_events"))
    first, last = connection.execute(ends).one()
    name = connection.execute(sa.text("SELECT value FROM installation WHERE name = 'budget_timezone'")).scalar()
    zone = ZoneInfo(name or "UTC")
    count = (last.date() - first.date()).days + 5
    listed = (first.date() + timedelta(number - 2) for number in range(count))
    begins = {start_of_day(day, zone): day for day in listed}  # of a skipped day and the next one, the next one
    is_sqlite = connection.dialect.name == "sqlite"  # it stores UTC without a zone
    rows = [{"begins": at.replace(tzinfo=None) if is_sqlite else at, "day": day} for at, day in begins.items()]
    connection.execute(days.insert(), rows)


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) with this local date; of a skipped day, that of the next day."""
    midnight = datetime.combine(day, time(), zone)
    instant = midnight.astimezone(UTC)
    if instant.astimezone(zone) == midnight:
        return instant
    before, after = instant - timedelta(days=2), instant + timedelta(days=2)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        if middle.astimezone(zone).date() < day:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def count_the_rest() -> None:
    """Compute the other new sums from the daily roll-ups."""
    is_sqlite = op.get_context().dialect.name == "sqlite"
    month = "date(day, 'start of month')" if is_sqlite else "CAST(date_trunc('month', day) AS date)"
    epoch = "'1970-01-01'" if is_sqlite else "DATE '1970-01-01'"
    for name, start in (("daily", "day"), ("monthly", month), ("total", epoch)):
        for table, key, wanted in (
            ("key_counters", "account_id, api_key_id", "WHERE api_key_id <> 0"),
            ("team_counters", "team_id", ""),
        ):
            op.execute(
                f"INSERT INTO {table} ({key}, period, start, {KEPT}) "  # noqa: S608  # names of our own
                f"SELECT {key}, '{name}', first, {SUMMED} FROM (SELECT {key}, {start} AS first, {KEPT} "
                f"FROM usage_daily {wanted}) AS days GROUP BY {key}, first"
            )
    key = "day, gateway_id, model, mode"
    op.execute(
        f"INSERT INTO organisation_daily ({key}, {KEPT}) "  # noqa: S608  # names of our own
        f"SELECT {key}, {SUMMED} FROM usage_daily GROUP BY {key}"
    )
