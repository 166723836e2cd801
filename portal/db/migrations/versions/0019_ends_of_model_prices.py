"""Let an entry of the price book end the price of a pattern.

Why       A model that costs the general price again needs an end of its own price, from a date on.
Old rows  No entry is an end. A column is added, since a changed check would copy the price book on SQLite, to which
          events refer.
Cost      A catalogue change on both databases.
Undo      Drops the ends, so that these patterns have their last price again; costs stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("prices", sa.Column("is_end", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    op.execute("DELETE FROM prices WHERE is_end")
    op.drop_column("prices", "is_end")
