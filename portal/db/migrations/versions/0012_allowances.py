"""Default budgets by role, extra tokens for a time, and requests of people for more.

Why       An administrator sets the budget of new accounts once, and people ask for more in the portal.
Old rows  There are none: no role has a default budget until an administrator sets one.
Cost      Three new tables.
Undo      Forgets default budgets, allowances and requests; limits are then what the budgets say.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "default_budgets",
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("daily", WHOLE, nullable=True),
        sa.Column("monthly", WHOLE, nullable=True),
        sa.Column("total", WHOLE, nullable=True),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("role", name="pk_default_budgets"),
    )
    op.create_table(
        "allowances",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("tokens", WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("starts_at", INSTANT, nullable=False),
        sa.Column("ends_at", INSTANT, nullable=False),
        sa.Column("created_by", WHOLE, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_allowances_account_id"),
        sa.ForeignKeyConstraint(["created_by"], ["accounts.id"], name="fk_allowances_created_by"),
        sa.PrimaryKeyConstraint("id", name="pk_allowances"),
    )
    op.create_index("ix_allowances_account_id_period_ends_at", "allowances", ["account_id", "period", "ends_at"])
    op.create_index("ix_allowances_ends_at", "allowances", ["ends_at"])
    op.create_table(
        "budget_requests",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("tokens", WHOLE, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=True),
        sa.Column("decided_by", WHOLE, nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("allowance_id", WHOLE, nullable=True),
        sa.Column("read_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_budget_requests_account_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["accounts.id"], name="fk_budget_requests_decided_by"),
        sa.ForeignKeyConstraint(["allowance_id"], ["allowances.id"], name="fk_budget_requests_allowance_id"),
        sa.PrimaryKeyConstraint("id", name="pk_budget_requests"),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_budget_requests_open",
        "budget_requests",
        ["account_id", "period"],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index("ix_budget_requests_account_id_decided_at", "budget_requests", ["account_id", "decided_at"])
    op.create_index("ix_budget_requests_created_at", "budget_requests", ["created_at"])


def downgrade() -> None:
    op.drop_table("budget_requests")
    op.drop_table("allowances")
    op.drop_table("default_budgets")
