"""Store which crossings the desktop program has shown as notifications, and whether a person wants them.

Why       A crossing is shown once, also if the program ends in between and starts again.
Old rows  Crossings were not shown; those that are older than a day never will be. Everybody wants notifications.
Cost      Two columns that are catalogue changes on both databases.
Undo      Forgets who had switched them off, and what was shown.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("alert_settings", sa.Column("on_desktop", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("crossings", sa.Column("notified_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("crossings", "notified_at")
    op.drop_column("alert_settings", "on_desktop")
