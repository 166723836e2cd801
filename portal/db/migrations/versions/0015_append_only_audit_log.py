"""Store in each audit entry its means, target, address and changed values, and refuse to change entries.

Why       Administrators search the audit log by actor, target and time, and must be able to trust it. Besides: what the
          pages of administrators read (held events, notes, messages) by index, faults of a verification, runs of jobs.
Old rows  Get means, target and address from what their actor and details say; they have no values before and after.
Cost      One update of each audit entry, and indexes over them, held events, notes and failed messages.
Undo      Drops the new columns with what they say. Addresses of new entries are lost.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INDEXES = {
    "ix_audit_log_at": ["at", "id"],
    "ix_audit_log_actor": ["actor", "at", "id"],
    "ix_audit_log_action": ["action", "at", "id"],
    "ix_audit_log_target": ["target", "at", "id"],
    "ix_audit_log_actor_id": ["actor_id", "at", "id"],
}
MEANS = ("command line", "environment", "setup link", "reset link", "desktop program", "portal demo", "visitor")


def upgrade() -> None:
    on_sqlite = op.get_context().dialect.name == "sqlite"
    _add_columns(on_sqlite)
    _fill_columns(on_sqlite)
    for name, columns in INDEXES.items():
        op.create_index(name, "audit_log", columns)
    op.create_table(
        "audit_pruning",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("before_at", INSTANT, nullable=True),
        sa.Column("erased_id", WHOLE, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_pruning")),
    )
    for statement in SQLITE_TRIGGERS if on_sqlite else POSTGRESQL_TRIGGERS:
        op.execute(statement)

    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_runs")),
    )
    op.add_column("verifications", sa.Column("faults", sa.Text(), server_default="[]", nullable=False))
    unsettled, failed = sa.text("resolved_at IS NULL"), sa.text("state = 'failed'")
    op.create_index(
        "ix_held_events_unsettled", "held_events", ["id"], sqlite_where=unsettled, postgresql_where=unsettled
    )
    op.create_index("ix_held_events_received_at", "held_events", ["received_at"])
    op.create_index("ix_notes_updated_at", "notes", ["updated_at", "usage_id"])
    op.create_index("ix_outbox_failed", "outbox", ["finished_at"], sqlite_where=failed, postgresql_where=failed)
    op.create_index("ix_outbox_created_at", "outbox", ["created_at"])


def downgrade() -> None:
    for name, table in (
        ("ix_outbox_created_at", "outbox"),
        ("ix_outbox_failed", "outbox"),
        ("ix_notes_updated_at", "notes"),
        ("ix_held_events_received_at", "held_events"),
        ("ix_held_events_unsettled", "held_events"),
    ):
        op.drop_index(name, table)
    op.drop_column("verifications", "faults")
    op.drop_table("job_runs")
    on_sqlite = op.get_context().dialect.name == "sqlite"
    for name in ("audit_log_kept", "audit_log_unchanged") + (() if on_sqlite else ("audit_log_not_emptied",)):
        op.execute(f"DROP TRIGGER {name}" + ("" if on_sqlite else " ON audit_log"))
    if not on_sqlite:
        op.execute("DROP FUNCTION refuse_audit_change()")
    op.drop_table("audit_pruning")
    for name in INDEXES:
        op.drop_index(name, "audit_log")
    for name in ("after", "before", "address", "target", "means"):
        op.drop_column("audit_log", name)
    if on_sqlite:  # a column with a foreign key can be dropped only with its key, which SQLite does by itself
        op.execute("ALTER TABLE audit_log DROP COLUMN actor_id")
    else:
        op.drop_column("audit_log", "actor_id")


def _add_columns(on_sqlite: bool) -> None:
    key = "fk_audit_log_actor_id"
    if on_sqlite:  # Alembic would copy the table
        op.execute(f"ALTER TABLE audit_log ADD COLUMN actor_id INTEGER CONSTRAINT {key} REFERENCES accounts (id)")
    else:
        op.add_column("audit_log", sa.Column("actor_id", WHOLE, nullable=True))
        op.create_foreign_key(key, "audit_log", "accounts", ["actor_id"], ["id"])
    op.add_column("audit_log", sa.Column("means", sa.String(length=32), server_default="session", nullable=False))
    op.add_column("audit_log", sa.Column("target", sa.String(length=200), nullable=True))
    op.add_column("audit_log", sa.Column("address", sa.String(length=64), nullable=True))
    op.add_column("audit_log", sa.Column("before", sa.Text(), nullable=True))
    op.add_column("audit_log", sa.Column("after", sa.Text(), nullable=True))


def _fill_columns(on_sqlite: bool) -> None:
    def detail(name: str) -> str:
        return f"json_extract(details, '$.{name}')" if on_sqlite else f"(details::json ->> '{name}')"

    means = " ".join(f"WHEN actor = '{each}' OR actor LIKE '{each} (%' THEN '{each}'" for each in MEANS)
    own_id = "(SELECT id FROM accounts WHERE username = actor)"
    op.execute(f"UPDATE audit_log SET actor_id = {own_id}, address = substr({detail('address')}, 1, 64)")  # noqa: S608
    op.execute(
        "UPDATE audit_log SET means = CASE WHEN actor_id IS NOT NULL THEN 'session' "  # noqa: S608  # names of our own
        f"WHEN actor = 'migration' THEN 'migration' {means} ELSE 'session' END"
    )
    cases = " ".join(
        f"WHEN action LIKE '{action}' AND {detail(name)} IS NOT NULL THEN '{kind}:' || {detail(name)}"
        for action, kind, name in (
            ("gateway.%", "gateway", "name"),
            ("usage.import", "gateway", "gateway"),
            ("held.%", "held", "held"),
            ("template.set", "template", "name"),
            ("price.%", "price", "valid_from"),
            ("key.%", "key", "prefix"),
        )
    )
    op.execute(
        f"UPDATE audit_log SET target = substr(CASE {cases} "  # noqa: S608  # names of our own
        "WHEN account_id IS NOT NULL THEN 'account:' || account_id END, 1, 200)"
    )


REFUSED = "entries of the audit log are neither changed nor deleted"
_SAME = ("id", "at", "action", "means", "account_id", "actor_id")
"""The values of an entry that stay when the personal data of an account are erased."""

SQLITE_TRIGGERS = (
    f"""CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
    WHEN NOT EXISTS (SELECT 1 FROM audit_pruning WHERE OLD.at < before_at)
    BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",  # noqa: S608  # names of our own
    f"""CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log
    WHEN NOT EXISTS (SELECT 1 FROM audit_pruning WHERE erased_id IS NOT NULL)
    OR {" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in _SAME)}
    BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END""",  # noqa: S608  # names of our own
)
POSTGRESQL_TRIGGERS = (
    f"""CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' THEN
            IF EXISTS (SELECT 1 FROM audit_pruning WHERE OLD.at < before_at) THEN RETURN OLD; END IF;
        ELSIF TG_OP = 'UPDATE' THEN
            IF EXISTS (SELECT 1 FROM audit_pruning WHERE erased_id IS NOT NULL)
            AND ({", ".join(f"NEW.{name}" for name in _SAME)})
            IS NOT DISTINCT FROM ({", ".join(f"OLD.{name}" for name in _SAME)}) THEN RETURN NEW; END IF;
        END IF;
        RAISE EXCEPTION '{REFUSED}';
    END $$""",  # noqa: S608  # names of our own
    """CREATE TRIGGER audit_log_kept BEFORE DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
    """CREATE TRIGGER audit_log_unchanged BEFORE UPDATE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_audit_change()""",
    """CREATE TRIGGER audit_log_not_emptied BEFORE TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()""",
)
"""The refusal raises; PostgreSQL drops the triggers with their table, and a restore makes the function again."""
