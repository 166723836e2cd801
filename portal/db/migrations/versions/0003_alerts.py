"""Remember when budgets crossed a threshold, the mails about it, and links for forgotten passwords.

Why       Nobody is to be surprised by a budget that is spent.
Old rows  Alerts have one threshold and no forecast, as before; the server default says so.
Cost      Three empty tables, and two columns that are catalogue changes on both databases.
Undo      Drops past crossings and all mails, also those that have not been sent.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("alert_settings", sa.Column("second_threshold_percent", WHOLE, nullable=True))
    op.add_column("alert_settings", sa.Column("forecast", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "crossings",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        sa.Column("threshold", WHOLE, nullable=False),
        sa.Column("consumed", WHOLE, nullable=False),
        sa.Column("limit", WHOLE, nullable=False),
        sa.Column("crossed_at", INSTANT, nullable=False),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_crossings_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_crossings")),
        sa.UniqueConstraint(
            "account_id", "period", "start", "threshold", name=op.f("uq_crossings_account_id_period_start_threshold")
        ),
    )
    op.create_table(
        "mails",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
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
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_mails_account_id")),
        sa.ForeignKeyConstraint(["crossing_id"], ["crossings.id"], name=op.f("fk_mails_crossing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
        sa.UniqueConstraint("crossing_id", name=op.f("uq_mails_crossing_id")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mails_message_id")),
    )
    queued = sa.text("state = 'queued'")
    op.create_index("ix_mails_due", "mails", ["next_try_at"], sqlite_where=queued, postgresql_where=queued)
    op.create_index("ix_mails_account", "mails", ["account_id", "created_at"])
    op.create_table(
        "reset_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reset_links_account_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_reset_links")),
    )
    op.create_index("ix_reset_links_account_id", "reset_links", ["account_id"])


def downgrade() -> None:
    for table in ("reset_links", "mails", "crossings"):
        op.drop_table(table)
    op.drop_column("alert_settings", "forecast")
    op.drop_column("alert_settings", "second_threshold_percent")
