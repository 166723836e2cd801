"""Store prices of models, and the price of each event.

Why       Models differ in price by a factor of a hundred, and people ask which price their requests had.
Old rows  Entries of the price book stay as general entries. Stored events keep their costs; they have no price, since
          the book may have changed after they were stored.
Cost      The price book is copied on SQLite; a column without a default on the events: a catalogue change on both.
Undo      Drops the prices of models and the entries that were removed; costs stay.
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

KEY = "fk_usage_events_price_id"
RATES = "pattern IS NULL OR (prompt_eur IS NOT NULL AND completion_eur IS NOT NULL AND cached_eur IS NOT NULL)"
ADDED = ("pattern", "prompt_eur", "completion_eur", "cached_eur", "source", "removed_at")


def upgrade() -> None:
    with op.batch_alter_table("prices") as batch:
        batch.drop_constraint("uq_prices_valid_from", type_="unique")
        batch.add_column(sa.Column("pattern", sa.String(length=200), nullable=True))
        for name in ("prompt_eur", "completion_eur", "cached_eur"):
            batch.add_column(sa.Column(name, sa.Text(), nullable=True))
        batch.add_column(sa.Column("source", sa.String(length=200), server_default=sa.text("''"), nullable=False))
        batch.add_column(sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True))
        batch.create_check_constraint(op.f("ck_prices_rates"), RATES)
    unused = sa.text("pattern IS NULL AND removed_at IS NULL")
    kept = sa.text("removed_at IS NULL")
    op.create_index(
        "uq_prices_general", "prices", ["valid_from"], unique=True, sqlite_where=unused, postgresql_where=unused
    )
    op.create_index(
        "uq_prices_pattern", "prices", ["pattern", "valid_from"], unique=True, sqlite_where=kept, postgresql_where=kept
    )
    if op.get_context().dialect.name == "sqlite":  # Alembic would copy the table with all events
        op.execute(f"ALTER TABLE usage_events ADD COLUMN price_id INTEGER CONSTRAINT {KEY} REFERENCES prices (id)")
        return
    op.add_column("usage_events", sa.Column("price_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(KEY, "usage_events", "prices", ["price_id"], ["id"], postgresql_not_valid=True)
    op.execute(f"ALTER TABLE usage_events VALIDATE CONSTRAINT {KEY}")


def downgrade() -> None:
    op.drop_column("usage_events", "price_id")
    op.drop_index("uq_prices_pattern", "prices")
    op.drop_index("uq_prices_general", "prices")
    op.execute("DELETE FROM prices WHERE pattern IS NOT NULL OR removed_at IS NOT NULL")
    with op.batch_alter_table("prices") as batch:
        batch.drop_constraint(op.f("ck_prices_rates"), type_="check")
        for name in ADDED:
            batch.drop_column(name)
        batch.create_unique_constraint(op.f("uq_prices_valid_from"), ["valid_from"])
