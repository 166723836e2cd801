"""Keep rejected events by their reason, in place of the newest hundred of each gateway.

Why       One noisy reason crowded out all others.
Old rows  Are added up by their reasons; what was rejected earlier than the newest hundred is not known any more.
Cost      A small table is copied.
Undo      Keeps one event for each reason.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rejected_reasons",
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("count", WHOLE, nullable=False),
        sa.Column("first_at", INSTANT, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.Column("example_id", sa.String(length=256), nullable=True),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_rejected_reasons_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "reason", name=op.f("pk_rejected_reasons")),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO rejected_reasons (gateway_id, reason, count, first_at, last_at, example_id) "
        "SELECT gateway_id, substr(reason, 1, 300), count(*), min(received_at), max(received_at), max(external_id) "
        "FROM rejected_events GROUP BY gateway_id, substr(reason, 1, 300)"
    )
    op.drop_table("rejected_events")


def downgrade() -> None:
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
    op.execute(
        "INSERT INTO rejected_events (gateway_id, external_id, reason, received_at) "
        "SELECT gateway_id, example_id, reason, last_at FROM rejected_reasons ORDER BY last_at"
    )
    op.drop_table("rejected_reasons")
