"""Add indexes for the requests of the organisation and of a team.

Why       Administrators list the requests behind a figure of Organisation Usage, newest first, over all accounts or one
          team; and they see the models of a team, which only the daily roll-ups have.
Old rows  Unchanged.
Cost      Three indexes are built: seconds for a million events, during which SQLite writes nothing else.
Undo      Drops the indexes; these lists become slow.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_usage_events_time", "usage_events", ["requested_at", "id"])
    op.create_index("ix_usage_events_team", "usage_events", ["team_id", "requested_at", "id"])
    op.create_index("ix_usage_daily_team", "usage_daily", ["team_id", "day"])


def downgrade() -> None:
    op.drop_index("ix_usage_daily_team", "usage_daily")
    op.drop_index("ix_usage_events_team", "usage_events")
    op.drop_index("ix_usage_events_time", "usage_events")
