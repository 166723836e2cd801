"""Store the owner of the usage that a program reports to the desktop program.

Why       On a desktop all usage is that of one person, so its programs need no API key and no user name.
Old rows  Have no owner: their events need a known key or name, as before.
Cost      A column without a default: a catalogue change on both databases.
Undo      Drops the owners; later events of these programs without a known key or name are held.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

KEY = "fk_gateways_owner_id"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":  # Alembic would copy the table, to which many others refer
        op.execute(f"ALTER TABLE gateways ADD COLUMN owner_id INTEGER CONSTRAINT {KEY} REFERENCES accounts (id)")
        return
    op.add_column("gateways", sa.Column("owner_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(KEY, "gateways", "accounts", ["owner_id"], ["id"])


def downgrade() -> None:
    op.drop_column("gateways", "owner_id")
