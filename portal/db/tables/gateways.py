"""Gateways, their tokens, counts of reports that are not usage, and imports of history."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, String, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.db.sql.types import BigId
from portal.db.tables.base import CLUSTERED, Table


class Gateway(Table):
    """A program that serves LLM requests and reports usage here; `mode` is for events without a mode.

    `reported_at` is when it last sent a valid report, to the minute. `owner_id` is set only for the programs of the
    desktop program's person: their usage counts for this account if its key or name is unknown.
    """

    __tablename__ = "gateways"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    mode: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    reported_at: Mapped[datetime | None]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))


class GatewayToken(Table):
    """A bearer token of a gateway; several may be valid at the same time, so that a token can be rotated."""

    __tablename__ = "gateway_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class RejectedReason(Table):
    """A reason why events of a gateway were rejected: how many, the first and last time, and the id of one event."""

    __tablename__ = "rejected_reasons"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    reason: Mapped[str] = mapped_column(String(300), primary_key=True)
    count: Mapped[int]
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    example_id: Mapped[str | None] = mapped_column(String(256))


class UncountedDaily(Table):
    """The number of reports of a gateway on a day (UTC) that add no tokens to the sums.

    They were rejected; ignored, since they are not about usage; replays of an earlier call; or stored without counts.
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
    """The progress of an import, stored together with the imported rows; the importer defines `position`."""

    __tablename__ = "import_progress"

    source: Mapped[str] = mapped_column(String(300), primary_key=True)
    position: Mapped[str]
    rows: Mapped[int]
    updated_at: Mapped[datetime]


class ImportedAccount(Table):
    """The account of a person of another system; `person` is the SHA-256 of the person's id there.

    The row stays when the account is deleted, so that no import creates the account again.
    """

    __tablename__ = "imported_accounts"
    __table_args__ = (CLUSTERED,)

    gateway_id: Mapped[int] = mapped_column(ForeignKey("gateways.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
