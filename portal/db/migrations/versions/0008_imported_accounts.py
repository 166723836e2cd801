"""Remember which account a person of another system has become.

Why       An import that is repeated created accounts again that an administrator had deleted here.
Old rows  There are none; the next import writes them for everybody who is here.
Cost      A new, empty table.
Undo      An import creates deleted accounts again.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "imported_accounts",
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_imported_accounts_account_id")),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_imported_accounts_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "person", name=op.f("pk_imported_accounts")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_imported_accounts_account_id"), "imported_accounts", ["account_id"])


def downgrade() -> None:
    op.drop_table("imported_accounts")
