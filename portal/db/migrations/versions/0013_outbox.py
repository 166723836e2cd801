"""Make the outbox of mails one of all channels, and store the notifications that people choose.

Why       Budget alerts and notifications of administrators also go to webhooks and chat services.
Old rows  Mails keep their ids and states, with the channel mail. Nobody has a webhook or a chat service.
Cost      Copies the mails of all accounts, at most 20 a day each; no other table is touched.
Undo      Forgets webhooks, chat services, choices and all messages that are no mails.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
KEPT = (
    "id, account_id, crossing_id, kind, message_id, recipient, subject, text, html, state, tries, next_try_at, error, "
    "created_at, finished_at"
)


def upgrade() -> None:
    _create("outbox", sa.Column("account_id", WHOLE, nullable=True), sa.Column("channel", sa.String(8), nullable=False))
    op.create_index("ix_outbox_crossing", "outbox", ["crossing_id", "channel"], unique=True)
    op.execute(f"INSERT INTO outbox ({KEPT}, channel) SELECT {KEPT}, 'mail' FROM mails")  # noqa: S608  # constants
    _continue_ids("outbox")
    op.drop_table("mails")
    op.create_table(
        "notification_channels",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=80), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notification_channels_account_id")),
        sa.PrimaryKeyConstraint("account_id", "channel", name=op.f("pk_notification_channels")),
    )
    op.create_table(
        "notification_choices",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("topic", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notification_choices_account_id")),
        sa.PrimaryKeyConstraint("account_id", "topic", "channel", name=op.f("pk_notification_choices")),
    )
    op.create_table(
        "notification_marks",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_notification_marks")),
    )


def downgrade() -> None:
    for table in ("notification_marks", "notification_choices", "notification_channels"):
        op.drop_table(table)
    _create("mails", sa.Column("account_id", WHOLE, nullable=False))
    op.execute(f"INSERT INTO mails ({KEPT}) SELECT {KEPT} FROM outbox WHERE channel = 'mail'")  # noqa: S608  # constants
    _continue_ids("mails")
    op.drop_table("outbox")


def _create(name: str, *columns: sa.Column[object]) -> None:
    unique = () if name == "outbox" else (sa.UniqueConstraint("crossing_id", name=op.f("uq_mails_crossing_id")),)
    op.create_table(
        name,
        sa.Column("id", WHOLE, nullable=False),
        *columns,
        sa.Column("crossing_id", WHOLE, nullable=True),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=120), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("tries", WHOLE, nullable=False),
        sa.Column("next_try_at", INSTANT, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f(f"fk_{name}_account_id")),
        sa.ForeignKeyConstraint(["crossing_id"], ["crossings.id"], name=op.f(f"fk_{name}_crossing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        *unique,
        sa.UniqueConstraint("message_id", name=op.f(f"uq_{name}_message_id")),
    )
    queued = sa.text("state = 'queued'")
    op.create_index(f"ix_{name}_due", name, ["next_try_at"], sqlite_where=queued, postgresql_where=queued)
    op.create_index(f"ix_{name}_account", name, ["account_id", "created_at"])


def _continue_ids(name: str) -> None:
    """Give the next row an id after the copied ones; SQLite does so by itself."""
    if op.get_bind().dialect.name == "postgresql":
        newest = f"SELECT coalesce(max(id), 0) + 1 FROM {name}"  # noqa: S608  # a constant
        op.execute(f"SELECT setval('{name}_id_seq', ({newest}), false)")
