"""Remember what gateways send that is no usage event, when they last reported, and how far imports have come.

Why       A gateway's page says why its events were rejected; an import goes on where it was interrupted.
Old rows  Gateways have not been heard of until they report again.
Cost      Three empty tables, and a column that is a catalogue change on both databases.
Undo      Drops the reasons, and how far imports have come; repeating them counts nothing twice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("gateways", sa.Column("reported_at", INSTANT, nullable=True))
    op.create_table(
        "rejected_events",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_rejected_events_gateway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rejected_events")),
    )
    op.create_index("ix_rejected_events_gateway", "rejected_events", ["gateway_id", "id"])
    op.create_table(
        "uncounted_daily",
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rejected", WHOLE, nullable=False),
        sa.Column("ignored", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_uncounted_daily_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "day", name=op.f("pk_uncounted_daily")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "import_progress",
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("rows", WHOLE, nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_import_progress")),
    )


def downgrade() -> None:
    for table in ("import_progress", "uncounted_daily", "rejected_events"):
        op.drop_table(table)
    op.drop_column("gateways", "reported_at")
