"""Admin tokens, and the last sign-in of accounts.

Why       Programs administer the portal with tokens of their own. The list of accounts shows when people last signed
          in, which sessions do not tell, since they are deleted when they end.
Old rows  Accounts get the start of their latest session that has not ended; null without one.
Cost      A new table; a column without a default: a catalogue change on both databases; one update of accounts.
Undo      Drops the tokens and the times of sign-ins; nothing else depends on them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "admin_tokens",
        sa.Column("id", row_id, primary_key=True),
        sa.Column("account_id", row_id, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("label", sa.String(100), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_admin_tokens_account_id"),
        sa.UniqueConstraint("token_hash", name="uq_admin_tokens_token_hash"),
    )
    op.create_index("ix_admin_tokens_account_id", "admin_tokens", ["account_id"])
    op.add_column("accounts", sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "UPDATE accounts SET signed_in_at = (SELECT max(created_at) FROM sessions WHERE account_id = accounts.id)"
    )


def downgrade() -> None:
    op.drop_column("accounts", "signed_in_at")
    op.drop_table("admin_tokens")
