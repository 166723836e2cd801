"""Every table. Tokens are whole numbers, money is whole nano-euros (10⁻⁹ EUR), instants are UTC."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, MetaData, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from portal.db.sql.types import BigId, Instant, Rate
from portal.rules.text import email_key

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

CLUSTERED = {"sqlite_with_rowid": False}
"""For tables that are found by their key: SQLite keeps the rows in it, and so writes one tree for each, not two."""


class Table(DeclarativeBase):
    """What all tables share: predictable names for constraints, so that migrations can name them."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {int: BigId, datetime: Instant, Decimal: Rate, str: Text}  # noqa: RUF012  # read by SQLAlchemy only


class Account(Table):
    """A person who signs in. `time_zone` is null until the first browser has told its own.

    `email` is empty for an account without an address. `email_key` is written together with it: one address, however
    its letters are written, belongs to one account. Of a deleted account (`deleted_at`) its usage alone is kept.
    """

    __tablename__ = "accounts"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254))
    email_key: Mapped[str | None] = mapped_column(unique=True, index=True)
    role: Mapped[str] = mapped_column(String(16))
    active: Mapped[bool] = mapped_column(default=True)
    password_hash: Mapped[str | None]
    time_zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str] = mapped_column(String(16), default="en")
    theme: Mapped[str] = mapped_column(String(16), default="system")
    template_id: Mapped[int | None] = mapped_column(ForeignKey("expert_templates.id"))
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]

    @validates("email")
    def _key_email(self, _: str, email: str) -> str:
        """Keep `email_key` in step with every assignment of `email`."""
        self.email_key = email_key(email)
        return email


class Session(Table):
    """A browser that is signed in; only the SHA-256 of its cookie is kept."""

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    user_agent: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64))


class SignInFailure(Table):
    """Wrong passwords in a row, per user name or address; kept here so that a restart forgives nobody."""

    __tablename__ = "sign_in_failures"

    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(256), primary_key=True)
    count: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)


class SetupLink(Table):
    """The one-time link that creates the first administrator."""

    __tablename__ = "setup_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    created_at: Mapped[datetime]


class ApiKey(Table):
    """What a person's programs send; only its SHA-256 and its first 16 characters are stored."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Gateway(Table):
    """A program that serves LLM requests and reports usage here; `mode` is that of events that name none.

    `reported_at` is when it last sent something that was understood, known to the minute.
    """

    __tablename__ = "gateways"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    mode: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]


class GatewayToken(Table):
    """A bearer token of a gateway; several may be valid at once, so that they can be rotated."""

    __tablename__ = "gateway_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Budget(Table):
    """An account's limits in billable tokens; null is unlimited. Without a row everything is."""

    __tablename__ = "budgets"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    daily: Mapped[int | None]
    monthly: Mapped[int | None]
    total: Mapped[int | None]
    type: Mapped[str] = mapped_column(String(16))
    updated_at: Mapped[datetime]


class Price(Table):
    """EUR per billable token from an instant on; null is since ever."""

    __tablename__ = "prices"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    valid_from: Mapped[datetime | None] = mapped_column(unique=True)
    eur_per_token: Mapped[Decimal]
    created_at: Mapped[datetime]


class ExpertTemplate(Table):
    """Which models answer which category of question, and what that costs."""

    __tablename__ = "expert_templates"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    cost_factor: Mapped[Decimal]
    created_at: Mapped[datetime]


class ExpertModel(Table):
    """One model of a template's category; optional ones are the second tier."""

    __tablename__ = "expert_models"

    template_id: Mapped[int] = mapped_column(ForeignKey("expert_templates.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    category: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(200))
    endpoint: Mapped[str] = mapped_column(String(200))
    required: Mapped[bool]


class UsageEvent(Table):
    """One LLM request as a gateway reported it; never changed once stored.

    `cost_nano_eur` is null while no price was in force at its time; a repair fills it in, once.
    """

    __tablename__ = "usage_events"
    __table_args__ = (
        UniqueConstraint("gateway_id", "external_id"),
        Index("ix_usage_events_account", "account_id", "requested_at", "id"),
        Index(
            "ix_usage_events_unpriced",
            "requested_at",
            sqlite_where=text("cost_nano_eur IS NULL"),
            postgresql_where=text("cost_nano_eur IS NULL"),
        ),
        CheckConstraint("prompt_tokens >= 0 AND completion_tokens >= 0 AND billable_tokens >= 0", "tokens"),
        CheckConstraint("cost_nano_eur >= 0", "cost"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"))
    external_id: Mapped[str] = mapped_column(String(256))
    fingerprint: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    session_id: Mapped[str | None] = mapped_column(String(256))
    model: Mapped[str] = mapped_column(String(200))
    provider_model: Mapped[str | None] = mapped_column(String(200))
    mode: Mapped[str] = mapped_column(String(64))
    template: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(64))
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cached_tokens: Mapped[int]
    reasoning_tokens: Mapped[int]
    cost_factor: Mapped[Decimal]
    billable_tokens: Mapped[int]
    cost_nano_eur: Mapped[int | None]
    latency_ms: Mapped[int | None]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime]
    without_counts: Mapped[bool] = mapped_column(server_default=false())


class HeldEvent(Table):
    """An event that could not be counted: its key is unknown, or its id came before with other content."""

    __tablename__ = "held_events"
    __table_args__ = (UniqueConstraint("gateway_id", "external_id", "fingerprint"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"))
    external_id: Mapped[str] = mapped_column(String(256))
    fingerprint: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(16))
    body: Mapped[str]
    requested_at: Mapped[datetime]
    received_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]


class RejectedReason(Table):
    """Why events of a gateway could not be taken: how many, when first and last, and the id of one of them."""

    __tablename__ = "rejected_reasons"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(300), primary_key=True)
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    example_id: Mapped[str | None] = mapped_column(String(256))


class UncountedDaily(Table):
    """How much of what a gateway sent on a day (UTC) has no tokens in the sums, and why.

    Rejected; ignored, since it is about something else; a replay of an earlier call; stored without counts.
    """

    __tablename__ = "uncounted_daily"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    rejected: Mapped[int]
    ignored: Mapped[int]
    replays: Mapped[int] = mapped_column(server_default=text("0"))
    without_counts: Mapped[int] = mapped_column(server_default=text("0"))


class ImportProgress(Table):
    """How far an import has come, stored together with what it brought; `position` is in the importer's own words."""

    __tablename__ = "import_progress"

    source: Mapped[str] = mapped_column(String(300), primary_key=True)
    position: Mapped[str]
    rows: Mapped[int]
    updated_at: Mapped[datetime]


class ImportedAccount(Table):
    """Which account a person of another system has become; `person` is the SHA-256 of their id there.

    It stays when the account is deleted, so that no import creates it again.
    """

    __tablename__ = "imported_accounts"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)


class Note(Table):
    """An account's private text on one of its usage events."""

    __tablename__ = "notes"

    usage_id: Mapped[int] = mapped_column(ForeignKey("usage_events.id"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    text: Mapped[str]
    updated_at: Mapped[datetime]


class PrunedEvent(Table):
    """What is kept of an event that was pruned, so that its id is never counted again."""

    __tablename__ = "pruned_events"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))


class Reservation(Table):
    """Billable tokens held for a request that a gateway was allowed, until its event arrives or the time is over."""

    __tablename__ = "reservations"

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    request_id: Mapped[str] = mapped_column(String(256), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    tokens: Mapped[int]
    expires_at: Mapped[datetime]


class SummedColumns:
    """The sums that counters and roll-ups keep; `tokens` are billable, the other two raw.

    `requests` counts all of them; `unpriced` those that `cost_nano_eur` lacks, `without_counts` those whose tokens are
    unknown.
    """

    tokens: Mapped[int]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    requests: Mapped[int]
    cost_nano_eur: Mapped[int]
    unpriced: Mapped[int]
    without_counts: Mapped[int] = mapped_column(server_default=text("0"))


class UsageCounter(SummedColumns, Table):
    """What an account used in one period: a day, a month (named by its first day) or its whole life."""

    __tablename__ = "usage_counters"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    period: Mapped[str] = mapped_column(String(8), primary_key=True)
    start: Mapped[date] = mapped_column(primary_key=True)


class UsageByModel(SummedColumns, Table):
    """What an account used of one model in one mode on one day of the budget time zone."""

    __tablename__ = "usage_by_model"
    __table_args__ = (Index("ix_usage_by_model_mode", "account_id", "mode"), CLUSTERED)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    mode: Mapped[str] = mapped_column(String(64), primary_key=True)


class DetailColumns(SummedColumns):
    """By what roll-ups are told apart besides their time; `api_key_id` is 0 for usage without a key."""

    model: Mapped[str] = mapped_column(String(200), primary_key=True)
    mode: Mapped[str] = mapped_column(String(64), primary_key=True)
    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    failed: Mapped[bool] = mapped_column(primary_key=True)


class UsageDaily(DetailColumns, Table):
    """What an account used on one day of the budget time zone, pruned events included."""

    __tablename__ = "usage_daily"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)


class UsageHourly(DetailColumns, Table):
    """What the stored events of one hour (UTC) add up to; for days of other zones than the budget's."""

    __tablename__ = "usage_hourly"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    hour: Mapped[datetime] = mapped_column(primary_key=True, sort_order=-1)


class UsagePruned(DetailColumns, Table):
    """What the pruned events of one day of the budget time zone added up to."""

    __tablename__ = "usage_pruned"
    __table_args__ = (CLUSTERED,)

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True, sort_order=-2)
    day: Mapped[date] = mapped_column(primary_key=True, sort_order=-1)


class Verification(Table):
    """A nightly comparison of all sums with the events; the night's row is made by whichever process comes first."""

    __tablename__ = "verifications"

    day: Mapped[date] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    accounts: Mapped[int]
    requests: Mapped[int]
    differences: Mapped[int]


class AlertSettings(Table):
    """How an account wants to be warned; without a row alerts are off.

    `email` null is the account's own. `forecast` is whether to warn of a budget that will be exhausted before it
    resets.
    """

    __tablename__ = "alert_settings"

    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    enabled: Mapped[bool]
    threshold_percent: Mapped[int]
    second_threshold_percent: Mapped[int | None]
    forecast: Mapped[bool] = mapped_column(server_default=false())
    email: Mapped[str | None] = mapped_column(String(254))
    updated_at: Mapped[datetime]


class Crossing(Table):
    """A warning about a budget: usage reached a threshold, or a forecast says that the budget ends before it resets.

    There is one for each period, limit and threshold, and one forecast for each period and limit. `threshold` is in
    percent, and null for a forecast. `consumed` and `limit` are billable tokens at the time of the warning.
    """

    __tablename__ = "crossings"
    __table_args__ = (
        UniqueConstraint("account_id", "period", "start", "threshold", "limit"),  # nulls differ: see the index
        Index(
            "ix_crossings_forecast",
            "account_id",
            "period",
            "start",
            "limit",
            unique=True,
            sqlite_where=text("kind = 'forecast'"),
            postgresql_where=text("kind = 'forecast'"),
        ),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    period: Mapped[str] = mapped_column(String(8))
    start: Mapped[date]
    kind: Mapped[str] = mapped_column(String(16))
    threshold: Mapped[int | None]
    consumed: Mapped[int]
    limit: Mapped[int]
    crossed_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Mail(Table):
    """A mail to be sent, or what became of it; written in the transaction that is the reason for it.

    `state` is queued, sent or failed. A process that sends it holds it until `next_try_at`, and another one may try
    then. `message_id` is the same however often it is tried.
    """

    __tablename__ = "mails"
    __table_args__ = (
        Index(
            "ix_mails_due",
            "next_try_at",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index("ix_mails_account", "account_id", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"))
    crossing_id: Mapped[int | None] = mapped_column(ForeignKey("crossings.id"), unique=True)
    kind: Mapped[str] = mapped_column(String(16))
    message_id: Mapped[str] = mapped_column(String(120), unique=True)
    recipient: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(200))
    text: Mapped[str]
    html: Mapped[str]
    state: Mapped[str] = mapped_column(String(8))
    tries: Mapped[int]
    next_try_at: Mapped[datetime]
    error: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class ResetLink(Table):
    """A link with which somebody who has forgotten their password may set another; only its SHA-256 is kept."""

    __tablename__ = "reset_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class AuditEntry(Table):
    """Who changed what; never a secret in it."""

    __tablename__ = "audit_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(64))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"), index=True)
    details: Mapped[str]


class Installation(Table):
    """What must stay the same for the life of a database, such as the zone its days were counted in."""

    __tablename__ = "installation"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str]
