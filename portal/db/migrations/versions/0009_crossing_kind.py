"""Store in a column of its own whether a crossing is of a threshold or a forecast.

Why       A threshold of 0 meant a forecast, and every reader had to know that.
Old rows  Those with a threshold of 0 become forecasts, without a threshold; all others are of a threshold.
Cost      SQLite copies the table, which has a few rows for each account; PostgreSQL updates each row.
Undo      Gives forecasts the threshold 0 again; nothing is lost.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KIND = sa.String(length=16)
INDEX = "ix_crossings_forecast"


def upgrade() -> None:
    op.add_column("crossings", sa.Column("kind", KIND, nullable=True))
    op.execute("UPDATE crossings SET kind = CASE threshold WHEN 0 THEN 'forecast' ELSE 'threshold' END")
    with altered_crossings() as crossings:
        crossings.alter_column("kind", existing_type=KIND, nullable=False)
        crossings.alter_column("threshold", existing_type=WHOLE, nullable=True)
    op.execute("UPDATE crossings SET threshold = NULL WHERE kind = 'forecast'")
    forecasts = sa.text("kind = 'forecast'")
    key = ["account_id", "period", "start", "limit"]
    op.create_index(INDEX, "crossings", key, unique=True, sqlite_where=forecasts, postgresql_where=forecasts)


def downgrade() -> None:
    op.drop_index(INDEX, "crossings")
    op.execute("UPDATE crossings SET threshold = 0 WHERE kind = 'forecast'")
    with altered_crossings() as crossings:
        crossings.alter_column("threshold", existing_type=WHOLE, nullable=False)
        crossings.drop_column("kind")


@contextmanager
def altered_crossings() -> Iterator[BatchOperations]:
    """Alter the columns; SQLite copies the table for it, and no mail may refer to the table during that."""
    is_copied = op.get_context().dialect.name == "sqlite"
    if is_copied:
        op.execute("CREATE TEMPORARY TABLE links AS SELECT id, crossing_id FROM mails WHERE crossing_id IS NOT NULL")
        op.execute("UPDATE mails SET crossing_id = NULL")
    with op.batch_alter_table("crossings", naming_convention=None) as crossings:
        yield crossings
    if is_copied:
        op.execute("UPDATE mails SET crossing_id = (SELECT crossing_id FROM links WHERE links.id = mails.id)")
        op.execute("DROP TABLE links")
