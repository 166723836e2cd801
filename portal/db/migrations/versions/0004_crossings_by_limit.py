"""Let a budget cross a threshold once for each limit, not once for its whole period.

Why       A limit that is raised arms its thresholds again.
Old rows  Keep the limit at which they were found, and count for that limit only.
Cost      SQLite copies the table, which has a few rows for each account; PostgreSQL replaces one index.
Undo      Keeps the first crossing of each threshold, and the mails without the link to the others.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

OLD = "uq_crossings_account_id_period_start_threshold"
NEW = "uq_crossings_account_id_period_start_threshold_limit"
KEY = ["account_id", "period", "start", "threshold"]


def upgrade() -> None:
    replace_constraint(OLD, NEW, [*KEY, "limit"])


def downgrade() -> None:
    later = (
        "SELECT later.id FROM crossings later JOIN crossings first ON first.account_id = later.account_id "
        "AND first.period = later.period AND first.start = later.start AND first.threshold = later.threshold "
        "AND first.id < later.id"
    )
    op.execute(f"UPDATE mails SET crossing_id = NULL WHERE crossing_id IN ({later})")  # noqa: S608  # a text of our own
    op.execute(f"DELETE FROM crossings WHERE id IN ({later})")  # noqa: S608  # names of our own
    replace_constraint(NEW, OLD, KEY)


def replace_constraint(old: str, new: str, columns: list[str]) -> None:
    """Replace a unique constraint; SQLite copies the table for it, which mails may not refer to meanwhile."""
    is_copied = op.get_context().dialect.name == "sqlite"
    if is_copied:
        op.execute("CREATE TEMPORARY TABLE kept AS SELECT id, crossing_id FROM mails WHERE crossing_id IS NOT NULL")
        op.execute("UPDATE mails SET crossing_id = NULL")
    with op.batch_alter_table("crossings", recreate="auto", naming_convention=None) as crossings:
        crossings.drop_constraint(old, type_="unique")
        crossings.create_unique_constraint(new, columns)
    if is_copied:
        op.execute(sa.text("UPDATE mails SET crossing_id = (SELECT crossing_id FROM kept WHERE kept.id = mails.id)"))
        op.execute("DROP TABLE kept")
