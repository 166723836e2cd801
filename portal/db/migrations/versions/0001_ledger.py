"""The first tables: the ledger, the people with usage in it, and what they may spend.

Why   An empty database gets the tables for usage. The price book opens with 0.00002 EUR per token since ever.
Cost  Nothing; there are no rows yet.
Undo  Drops every table with all that is in it.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
RATE = sa.Text()
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "expert_templates",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("cost_factor", RATE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expert_templates")),
        sa.UniqueConstraint("name", name=op.f("uq_expert_templates_name")),
    )
    op.create_table(
        "gateways",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateways")),
        sa.UniqueConstraint("name", name=op.f("uq_gateways_name")),
    )
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )
    op.create_table(
        "prices",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("valid_from", INSTANT, nullable=True),
        sa.Column("eur_per_token", RATE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint("valid_from", name=op.f("uq_prices_valid_from")),
    )
    op.create_table(
        "setup_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_setup_links")),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("count", WHOLE, nullable=False),
        sa.Column("last_at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("scope", "name", name=op.f("pk_sign_in_failures")),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"])

    op.create_table(
        "accounts",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("display_name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=True),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("theme", sa.String(length=16), nullable=False),
        sa.Column("template_id", WHOLE, nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["expert_templates.id"], name=op.f("fk_accounts_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("username", name=op.f("uq_accounts_username")),
    )
    op.create_table(
        "expert_models",
        sa.Column("template_id", WHOLE, nullable=False),
        sa.Column("position", WHOLE, autoincrement=False, nullable=False),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("endpoint", sa.String(length=200), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["template_id"], ["expert_templates.id"], name=op.f("fk_expert_models_template_id")),
        sa.PrimaryKeyConstraint("template_id", "position", name=op.f("pk_expert_models")),
    )
    op.create_table(
        "gateway_tokens",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_gateway_tokens_gateway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateway_tokens")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_gateway_tokens_token_hash")),
    )
    op.create_index("ix_gateway_tokens_gateway_id", "gateway_tokens", ["gateway_id"])

    op.create_table(
        "held_events",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.Column("resolved_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_held_events_gateway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_events")),
        sa.UniqueConstraint(
            "gateway_id", "external_id", "fingerprint", name=op.f("uq_held_events_gateway_id_external_id_fingerprint")
        ),
    )
    op.create_table(
        "alert_settings",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("threshold_percent", WHOLE, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alert_settings_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_alert_settings")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("prefix", sa.String(length=16), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_api_keys_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_api_keys_key_hash")),
    )
    op.create_index("ix_api_keys_account_id", "api_keys", ["account_id"])

    op.create_table(
        "audit_log",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("actor", sa.String(length=80), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("account_id", WHOLE, nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_audit_log_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_account_id", "audit_log", ["account_id"])

    op.create_table(
        "budgets",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("daily", WHOLE, nullable=True),
        sa.Column("monthly", WHOLE, nullable=True),
        sa.Column("total", WHOLE, nullable=True),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_budgets_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_budgets")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_seen_at", INSTANT, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("user_agent", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sessions_token_hash")),
    )
    op.create_index("ix_sessions_account_id", "sessions", ["account_id"])
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"])

    op.create_table(
        "usage_counters",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("start", sa.Date(), nullable=False),
        *_sums(),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_counters_account_id")),
        sa.PrimaryKeyConstraint("account_id", "period", "start", name=op.f("pk_usage_counters")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "usage_by_model",
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("mode", sa.String(length=64), nullable=False),
        *_sums(),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_by_model_account_id")),
        sa.PrimaryKeyConstraint("account_id", "day", "model", "mode", name=op.f("pk_usage_by_model")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_usage_by_model_mode", "usage_by_model", ["account_id", "mode"])
    for name, time in (
        ("usage_daily", sa.Column("day", sa.Date(), nullable=False)),
        ("usage_hourly", sa.Column("hour", INSTANT, nullable=False)),
        ("usage_pruned", sa.Column("day", sa.Date(), nullable=False)),
    ):
        op.create_table(
            name,
            sa.Column("account_id", WHOLE, nullable=False),
            time,
            sa.Column("model", sa.String(length=200), nullable=False),
            sa.Column("mode", sa.String(length=64), nullable=False),
            sa.Column("api_key_id", WHOLE, nullable=False),
            sa.Column("failed", sa.Boolean(), nullable=False),
            *_sums(),
            sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f(f"fk_{name}_account_id")),
            sa.PrimaryKeyConstraint(
                "account_id", time.name, "model", "mode", "api_key_id", "failed", name=op.f(f"pk_{name}")
            ),
            sqlite_with_rowid=False,
        )
    op.create_table(
        "pruned_events",
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_pruned_events_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "external_id", name=op.f("pk_pruned_events")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reservations",
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("request_id", sa.String(length=256), nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("tokens", WHOLE, nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_reservations_account_id")),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_reservations_gateway_id")),
        sa.PrimaryKeyConstraint("gateway_id", "request_id", name=op.f("pk_reservations")),
    )
    op.create_index("ix_reservations_account_id", "reservations", ["account_id"])
    op.create_table(
        "verifications",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("accounts", WHOLE, nullable=False),
        sa.Column("requests", WHOLE, nullable=False),
        sa.Column("differences", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_verifications")),
    )
    op.create_table(
        "usage_events",
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("gateway_id", WHOLE, nullable=False),
        sa.Column("external_id", sa.String(length=256), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("api_key_id", WHOLE, nullable=True),
        sa.Column("session_id", sa.String(length=256), nullable=True),
        sa.Column("model", sa.String(length=200), nullable=False),
        sa.Column("provider_model", sa.String(length=200), nullable=True),
        sa.Column("mode", sa.String(length=64), nullable=False),
        sa.Column("template", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("prompt_tokens", WHOLE, nullable=False),
        sa.Column("completion_tokens", WHOLE, nullable=False),
        sa.Column("cached_tokens", WHOLE, nullable=False),
        sa.Column("reasoning_tokens", WHOLE, nullable=False),
        sa.Column("cost_factor", RATE, nullable=False),
        sa.Column("billable_tokens", WHOLE, nullable=False),
        sa.Column("cost_nano_eur", WHOLE, nullable=True),
        sa.Column("latency_ms", WHOLE, nullable=True),
        sa.Column("requested_at", INSTANT, nullable=False),
        sa.Column("received_at", INSTANT, nullable=False),
        sa.CheckConstraint("cost_nano_eur >= 0", name=op.f("ck_usage_events_cost")),
        sa.CheckConstraint(
            "prompt_tokens >= 0 AND completion_tokens >= 0 AND billable_tokens >= 0",
            name=op.f("ck_usage_events_tokens"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_usage_events_account_id")),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_usage_events_api_key_id")),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_usage_events_gateway_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_events")),
        sa.UniqueConstraint("gateway_id", "external_id", name=op.f("uq_usage_events_gateway_id_external_id")),
    )
    op.create_index("ix_usage_events_account", "usage_events", ["account_id", "requested_at", "id"])
    unpriced = sa.text("cost_nano_eur IS NULL")
    op.create_index(
        "ix_usage_events_unpriced", "usage_events", ["requested_at"], sqlite_where=unpriced, postgresql_where=unpriced
    )

    op.create_table(
        "notes",
        sa.Column("usage_id", WHOLE, nullable=False),
        sa.Column("account_id", WHOLE, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_notes_account_id")),
        sa.ForeignKeyConstraint(["usage_id"], ["usage_events.id"], name=op.f("fk_notes_usage_id")),
        sa.PrimaryKeyConstraint("usage_id", name=op.f("pk_notes")),
    )
    op.create_index("ix_notes_account_id", "notes", ["account_id"])

    prices = sa.table(
        "prices", sa.column("eur_per_token", RATE), sa.column("valid_from", INSTANT), sa.column("created_at", INSTANT)
    )
    op.bulk_insert(
        prices, [{"eur_per_token": "0.00002", "valid_from": None, "created_at": datetime(2026, 1, 1, tzinfo=UTC)}]
    )


def downgrade() -> None:
    tables = (
        "notes usage_events verifications reservations pruned_events usage_pruned usage_hourly usage_daily "
        "usage_by_model usage_counters sessions budgets audit_log api_keys alert_settings held_events "
        "gateway_tokens expert_models accounts sign_in_failures setup_links prices installation gateways "
        "expert_templates"
    )
    for table in tables.split():
        op.drop_table(table)


def _sums() -> list[sa.Column[int]]:
    """Return the columns of everything that is summed."""
    names = ("tokens", "prompt_tokens", "completion_tokens", "requests", "cost_nano_eur", "unpriced")
    return [sa.Column(name, WHOLE, nullable=False) for name in names]
