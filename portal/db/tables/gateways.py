"""Gateways, their tokens, what they reported that is not counted, and imports of their history."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import CLUSTERED, Table


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
    """How far an import has come, stored together with the imported rows; the importer defines `position`."""

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
