"""Remember which requests came without counts of tokens, and how many of what gateways sent were replays.

Why       A call with unknown tokens differs from a call without tokens, and a replay is not billed; people see both.
Old rows  Had counts, and replays were not counted separately; the server defaults are 0 and false.
Cost      Columns with a constant default: a catalogue change on both databases.
Undo      Drops the marks and counts; such requests then look as if they had used no tokens.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SUMMED = ("usage_counters", "usage_by_model", "usage_daily", "usage_hourly", "usage_pruned")


def upgrade() -> None:
    op.add_column("usage_events", sa.Column("without_counts", sa.Boolean(), server_default=sa.false(), nullable=False))
    for table in SUMMED:
        op.add_column(table, number("without_counts"))
    for name in ("replays", "without_counts"):
        op.add_column("uncounted_daily", number(name))


def downgrade() -> None:
    for name in ("without_counts", "replays"):
        op.drop_column("uncounted_daily", name)
    for table in ("usage_events", *SUMMED):
        op.drop_column(table, "without_counts")


def number(name: str) -> sa.Column[int]:
    return sa.Column(name, WHOLE, server_default=sa.text("0"), nullable=False)
