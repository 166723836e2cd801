"""Accounts, their keys and sessions, and the links with which a password is set."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, inspect
from sqlalchemy.orm import Mapped, mapped_column, validates

from portal.db.sql.types import BigId
from portal.db.tables.base import Table
from portal.rules.text import email_key


class Account(Table):
    """A person who signs in. `time_zone` is null until the first sign-in, where the browser sends its own.

    New usage counts for the team `team_id`, besides the account.

    `email` is empty for an account without an address. `email_key` is its form without upper case, so that an address
    belongs to one account only. `signed_in_at` is the time of the last sign-in. Of a deleted account (`deleted_at`)
    only the usage is kept. `version` grows with each change of what administrators edit, so that two of them cannot
    overwrite each other's changes.
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
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    created_at: Mapped[datetime]
    signed_in_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1, server_default="1")

    @validates("display_name", "role", "active", "time_zone", "language")
    def _count_change(self, name: str, value: object) -> object:
        """Increase `version` if an assignment changes a stored account."""
        if inspect(self).has_identity and getattr(self, name) != value:
            self.version += 1
        return value

    @validates("email")
    def _key_email(self, name: str, email: str) -> str:
        """Set `email_key` on every assignment of `email`."""
        self._count_change(name, email)
        self.email_key = email_key(email)
        return email


class ApiKey(Table):
    """The secret that a person's programs send; only its SHA-256 and its first 16 characters are stored."""

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


class AdminToken(Table):
    """A secret for programs that administer the portal; only its SHA-256 and its first 16 characters are stored.

    `account_id` is the administrator who created it; `scopes` are separated by spaces. It works while its creator is an
    active administrator.
    """

    __tablename__ = "admin_tokens"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    prefix: Mapped[str] = mapped_column(String(16))
    label: Mapped[str] = mapped_column(String(100))
    scopes: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Session(Table):
    """A signed-in browser; only the SHA-256 of its cookie is stored.

    `confirmed_at` is when its person last gave the password. Until `acting_until` an administrator sees the portal as
    the account `acting_as`.
    """

    __tablename__ = "sessions"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    user_agent: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None]
    acting_as: Mapped[int | None] = mapped_column(ForeignKey("accounts.id"))
    acting_until: Mapped[datetime | None]


class SignInFailure(Table):
    """The number of wrong passwords in a row by user name or address; stored, so that a restart does not reset it."""

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


class ResetLink(Table):
    """A link with which a person who has forgotten the password sets a new one; only its SHA-256 is stored."""

    __tablename__ = "reset_links"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
