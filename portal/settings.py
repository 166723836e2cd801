"""Every PORTAL_* variable, typed, with its unit and default."""

import re
from email.utils import getaddresses
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from portal.rules.periods import zone
from portal.rules.text import clean_email, clean_line


def _zone_name(name: str) -> str:
    zone(name)
    return name


def _web_address(url: str | None) -> str | None:
    if url and not re.fullmatch(r"https?://[^/\s?#@]+/?", url):
        raise ValueError("write an address such as https://portal.example.org, without a path")
    return url or None


def _filled(text: str | None) -> str | None:
    return (text or "").strip() or None


def _sender(text: str | None) -> str | None:
    if not _filled(text):
        return None
    line = clean_line(text or "", "The sender", 200)
    addresses = getaddresses([line])
    if len(addresses) != 1:
        raise ValueError(
            "mails have one sender, such as MoE Portal <portal@example.org>; a comma needs quotes around it"
        )
    clean_email(addresses[0][1])
    return line


OptionalText = Annotated[str | None, AfterValidator(_filled)]
"""A text that may be missing; an empty variable is none."""


class Settings(BaseSettings):
    """What an operator can decide; read once from the environment (and `.env` in the data directory is not read)."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", frozen=True, extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8080, ge=0, le=65535, description="TCP port to listen on")
    data_dir: Path = Field(default=Path("data"), description="Directory of the SQLite database and the portal's secret")
    database_url: str | None = Field(
        default=None, description="SQLAlchemy URL; default: portal.sqlite3 in the data directory"
    )
    base_url: Annotated[str | None, AfterValidator(_web_address)] = Field(
        default=None, description="Public URL, such as https://portal.example.org; https makes cookies Secure"
    )
    allowed_hosts: str = Field(
        default="", description="Further host names that may be used to reach the portal, separated by commas"
    )
    trusted_proxies: str = Field(
        default="",
        description="Addresses of reverse proxies whose word for a visitor's address is taken, separated by commas",
    )
    budget_timezone: Annotated[str, AfterValidator(_zone_name)] = Field(
        default="UTC", description="IANA zone in which budget days and months are counted"
    )
    organisation: str = Field(default="", max_length=80, description="Name shown under the sign-in form")
    secret: SecretStr | None = Field(
        default=None, description="Signs NiceGUI's own cookie; default: made once and kept in the data directory"
    )
    refresh_seconds: float = Field(default=30, gt=0, description="Seconds between live refreshes of open pages")
    session_hours: float = Field(default=14 * 24, gt=0, description="Hours until an unused session ends")
    database_pool: int = Field(default=10, ge=1, le=200, description="Database connections kept open")
    smtp_host: OptionalText = Field(default=None, description="Mail server; without it no mail is sent")
    smtp_port: int | None = Field(
        default=None, ge=1, le=65535, description="Its TCP port; default: 587 for starttls, 465 for tls, 25 for none"
    )
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="How mail is encrypted: starttls, tls (from the first byte) or none"
    )
    smtp_username: OptionalText = Field(default=None, description="User name at the mail server, where it asks for one")
    smtp_password: SecretStr | None = Field(
        default=None, validate_default=True, description="Password that goes with it"
    )
    smtp_from: Annotated[str | None, AfterValidator(_sender)] = Field(
        default=None, validate_default=True, description="Sender of mails, such as MoE Portal <portal@example.org>"
    )
    smtp_timeout: float = Field(
        default=20, ge=1, le=600, description="Seconds in which the mail server must have taken a mail"
    )

    @field_validator("smtp_username", "smtp_from")
    @classmethod
    def _has_a_server(cls, value: str | None, others: ValidationInfo) -> str | None:
        if value and not others.data.get("smtp_host"):
            raise ValueError("there is no mail server it is for; set PORTAL_SMTP_HOST")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _has_an_address(cls, host: str | None, others: ValidationInfo) -> str | None:
        if host and not others.data.get("base_url"):
            raise ValueError("mails lead people to the portal; set PORTAL_BASE_URL too")
        return host

    @field_validator("smtp_password")
    @classmethod
    def _has_a_user(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        given = password if password and password.get_secret_value() else None
        if bool(given) != bool(others.data.get("smtp_username")):
            raise ValueError("PORTAL_SMTP_USERNAME and PORTAL_SMTP_PASSWORD go together; set both or none")
        return given

    @field_validator("smtp_from")
    @classmethod
    def _has_a_sender(cls, sender: str | None, others: ValidationInfo) -> str | None:
        if others.data.get("smtp_host") and not sender:
            raise ValueError("mails need a sender, such as MoE Portal <portal@example.org>")
        return sender

    @property
    def url(self) -> str:
        """The database URL in force."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'portal.sqlite3').absolute()}"

    @property
    def budget_zone(self) -> ZoneInfo:
        """The zone of budget days and months."""
        return zone(self.budget_timezone)

    @property
    def secure(self) -> bool:
        """Whether people reach the portal through HTTPS."""
        return (self.base_url or "").startswith("https://")

    @property
    def mail_is_set_up(self) -> bool:
        """Whether there is a mail server to send mails to."""
        return self.smtp_host is not None


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
