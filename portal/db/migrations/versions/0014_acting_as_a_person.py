"""Count the changes of an account, and let a session show the portal as another person.

Why       Two administrators who edit the same account must not overwrite each other's changes: each change names the
          version it was made from. An administrator may see the portal as a person does, for half an hour.
Old rows  Accounts have version 1. No session acts as a person, and none has confirmed its password lately.
Cost      Columns without a default, and one with a constant default: a catalogue change on both databases.
Undo      Drops the columns; whoever acts as a person is an administrator again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = "fk_sessions_acting_as"
WHOLE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("accounts", sa.Column("version", WHOLE, nullable=False, server_default="1"))
    op.add_column("sessions", sa.Column("confirmed_at", INSTANT, nullable=True))
    op.add_column("sessions", sa.Column("acting_until", INSTANT, nullable=True))
    if op.get_context().dialect.name == "sqlite":  # Alembic would copy the table for the foreign key
        op.execute(f"ALTER TABLE sessions ADD COLUMN acting_as INTEGER CONSTRAINT {KEY} REFERENCES accounts (id)")
        return
    op.add_column("sessions", sa.Column("acting_as", sa.BigInteger(), nullable=True))
    op.create_foreign_key(KEY, "sessions", "accounts", ["acting_as"], ["id"])


def downgrade() -> None:
    op.drop_column("sessions", "acting_as")
    op.drop_column("sessions", "acting_until")
    op.drop_column("sessions", "confirmed_at")
    op.drop_column("accounts", "version")
