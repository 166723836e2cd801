"""Every PORTAL_* variable, typed, with its unit and default.

Decision: a PORTAL_* variable that no part of MoE Portal reads is refused, since otherwise a misspelt one would be
ignored without a warning. Variables that other programs of this repository read (tests, examples) are accepted.
"""

import os
import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from email.utils import getaddresses
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import SettingsConfigDict

from portal.rules.periods import UTC_ZONE, zone
from portal.rules.text import clean_email, clean_line
from portal.rules.validation import sentence_about
from portal.settings.notifications import NotificationSettings

PREFIX = "PORTAL_"
SECRETS = (
    *("database_url", "secret", "smtp_password", "admin_password"),
    *("notify_webhook_url", "notify_webhook_secret", "notify_chat_url"),
)
"""Settings that may be in a file instead: PORTAL_SECRET_FILE is the path of the file that contains PORTAL_SECRET."""
ELSEWHERE = {
    "PORTAL_IMPORT_URL": "`portal import moe-sovereign` and `portal follow moe-sovereign`: the database to read",
    "PORTAL_IMPORT_URL_FILE": "the same: the file with that address",
    "PORTAL_URL": "`examples/`: address of the portal",
    "PORTAL_USAGE_URL": "`examples/litellm`: address that usage is reported to",
    "PORTAL_AUTHORIZATION": "`examples/litellm`: header with the gateway's token",
    "PORTAL_GATEWAY_TOKEN": "`examples/`: a gateway's token",
    "PORTAL_API_KEY": "`examples/python`: a person's API key",
    "PORTAL_UNREACHABLE": "`examples/litellm`: `allow` lets requests pass while the portal does not answer",
}
"""Variables that other programs read; the server accepts and ignores them."""
_ELSEWHERE_TOO = re.compile(r"PORTAL_TEST_\w+")
_KUBERNETES = re.compile(r"PORTAL_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP)(_\w+)?)")
"""Variables that Kubernetes sets in every container of a namespace with a service called portal."""


class WrongSettings(Exception):
    """The PORTAL_* variables cannot be used; the message is a sentence for the operator."""


def _zone_name(name: str | None) -> str | None:
    if name is not None:
        zone(name)
    return name


def _web_address(url: str | None) -> str | None:
    if url and not re.fullmatch(r"https?://[^/\s?#@]+/?", url):
        raise ValueError("write an address such as https://portal.example.org, without a path")
    return url or None


def _lower(text: object) -> object:
    return text.strip().lower() if isinstance(text, str) else text


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
"""Text or None; an empty variable is None."""


class Settings(NotificationSettings):
    """The settings of an operator, read once from the environment. Only the Makefile reads `.env`."""

    model_config = SettingsConfigDict(env_prefix="PORTAL_", frozen=True, extra="ignore")

    is_desktop: ClassVar[bool] = False
    """Whether this is the desktop program, for one person without a sign-in. No variable sets it."""

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
        description="Addresses of reverse proxies that may report a visitor's address, separated by commas",
    )
    budget_timezone: Annotated[str | None, AfterValidator(_zone_name)] = Field(
        default=None,
        description="IANA zone in which budget days and months are counted; default: the one chosen at setup, or UTC",
    )
    _adopted_zone: str = PrivateAttr(default=UTC_ZONE)
    organisation: str = Field(default="", max_length=80, description="Name shown under the sign-in form")
    secret: SecretStr | None = Field(
        default=None, description="Signs NiceGUI's own cookie; default: created once and kept in the data directory"
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
    smtp_username: OptionalText = Field(default=None, description="User name at the mail server, if it needs one")
    smtp_password: SecretStr | None = Field(default=None, validate_default=True, description="Password of that user")
    smtp_from: Annotated[str | None, AfterValidator(_sender)] = Field(
        default=None, validate_default=True, description="Sender of mails, such as MoE Portal <portal@example.org>"
    )
    smtp_timeout: float = Field(
        default=20, ge=1, le=600, description="Seconds within which the mail server must accept a mail"
    )

    backup_dir: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        default=None, description="Existing directory for scheduled backups; without it there are none"
    )
    backup_every: float = Field(default=24, gt=0, le=8784, description="Hours between scheduled backups")
    backup_keep: int = Field(default=14, ge=1, le=10_000, description="Number of scheduled backups that stay")
    keep_audit: int = Field(default=730, ge=30, le=36_525, description="Days that entries of the audit log stay")
    keep_mails: int = Field(default=90, ge=7, le=36_525, description="Days that sent mails and those given up stay")
    keep_held: int = Field(default=400, ge=30, le=36_525, description="Days that held events stay, settled or not")
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = Field(
        default="info",
        description="Lowest level that is logged: debug, info, warning (without the line per request) or error",
    )
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = Field(
        default="text", description="Format of the log: text, or json with one object per line"
    )
    admin_username: OptionalText = Field(
        default=None, description="Administrator that `portal serve` creates if there is none; needs a password"
    )
    admin_password: SecretStr | None = Field(
        default=None, validate_default=True, description="Password of that administrator, used once"
    )
    admin_email: OptionalText = Field(default=None, description="Email address of that administrator")

    @field_validator("admin_password")
    @classmethod
    def _is_for_an_administrator(cls, password: SecretStr | None, others: ValidationInfo) -> SecretStr | None:
        given = password if password and password.get_secret_value() else None
        if bool(given) != bool(others.data.get("admin_username")):
            raise ValueError("PORTAL_ADMIN_USERNAME and PORTAL_ADMIN_PASSWORD_FILE go together; set both or none")
        return given

    @field_validator("port", mode="before")
    @classmethod
    def _is_not_from_kubernetes(cls, port: object) -> object:
        if isinstance(port, str) and port.startswith(("tcp://", "udp://")):
            raise ValueError("Kubernetes sets it for a service called portal; use enableServiceLinks: false")
        return port

    @field_validator("smtp_username", "smtp_from")
    @classmethod
    def _has_a_server(cls, value: str | None, others: ValidationInfo) -> str | None:
        if value and not others.data.get("smtp_host"):
            raise ValueError("there is no mail server that uses it; set PORTAL_SMTP_HOST")
        return value

    @field_validator("smtp_host")
    @classmethod
    def _has_an_address(cls, host: str | None, others: ValidationInfo) -> str | None:
        if host and not others.data.get("base_url"):
            raise ValueError("mails contain links to the portal; set PORTAL_BASE_URL too")
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
        """The database URL, or the default one."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'portal.sqlite3').absolute()}"

    @property
    def budget_zone(self) -> ZoneInfo:
        """The time zone of budget days and months: that of PORTAL_BUDGET_TIMEZONE, or the adopted one."""
        return zone(self.budget_timezone or self._adopted_zone)

    def adopt_zone(self, name: str) -> None:
        """Count in the zone of the database from now on, unless PORTAL_BUDGET_TIMEZONE is set."""
        self._adopted_zone = name

    @property
    def secure(self) -> bool:
        """Whether people use the portal through HTTPS."""
        return (self.base_url or "").startswith("https://")

    @property
    def taken_port(self) -> int | None:
        """The port that connected programs report to, while another program has it; only in the desktop program."""
        return None

    @property
    def mail_is_set_up(self) -> bool:
        """Whether there is a mail server to send mails to."""
        return self.smtp_host is not None


class _OfThisProcess:
    """Reads the settings once, and keeps them."""

    def __init__(self) -> None:
        self._kept: Settings | None = None

    def __call__(self) -> Settings:
        """Return the settings of this process. Raises WrongSettings."""
        if self._kept is None:
            self._kept = _read()
        return self._kept

    def keep(self, chosen: Settings) -> None:
        """Return these settings from now on."""
        self._kept = chosen

    def cache_clear(self) -> None:
        """Read the variables again at the next call."""
        self._kept = None


settings = _OfThisProcess()


def use(chosen: Settings) -> None:
    """Make these the settings of this process, in place of those that the variables contain."""
    settings.keep(chosen)


def _read() -> Settings:
    refuse_unknown(os.environ)
    try:
        return Settings(**_secrets_in_files(os.environ))
    except ValidationError as error:
        raise WrongSettings(explain(error)) from None  # the error would show the values


def variable(field: str) -> str:
    """Return the name of the variable that sets a field."""
    return f"{PREFIX}{field.upper()}"


def known_variables() -> set[str]:
    """Return every variable that the server reads."""
    return {variable(name) for name in Settings.model_fields} | {f"{variable(name)}_FILE" for name in SECRETS}


def explain(error: ValidationError) -> str:
    """Return the sentence about the first value that is not accepted; it does not repeat the value."""
    problem = error.errors(include_input=False, include_url=False)[0]
    sentence = sentence_about(problem, variable("_".join(map(str, problem["loc"]))))
    return sentence if sentence.endswith(".") else f"{sentence}."


def read_secret_file(name: str, path: str) -> str:
    """Return the secret in a file, without its line end; `name` is the variable with the path. Raises WrongSettings."""
    try:
        secret = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
        raise WrongSettings(f"{name}: the file {path} cannot be read: {reason}.") from None
    if not secret.strip():
        raise WrongSettings(f"{name}: the file {path} is empty.")
    return secret


def refuse_unknown(names: Iterable[str]) -> None:
    """Raise WrongSettings for the first PORTAL_* variable that no part of MoE Portal reads."""
    known = known_variables()
    for name in sorted(names):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper in known or upper in ELSEWHERE:
            continue
        if _ELSEWHERE_TOO.fullmatch(upper) or _KUBERNETES.fullmatch(upper):
            continue
        if upper.removesuffix("_FILE") in known:
            raise WrongSettings(f"There is no setting {name}. Only secrets can be in files: {_listed_secrets()}.")
        own_names = sorted(name.removeprefix(PREFIX) for name in known)
        nearest = get_close_matches(upper.removeprefix(PREFIX), own_names, 1)
        hint = f"Did you mean {PREFIX}{nearest[0]}?" if nearest else "docs/settings.md lists all settings."
        raise WrongSettings(f"There is no setting {name}. {hint}")


def _listed_secrets() -> str:
    return ", ".join(variable(field) for field in SECRETS)


def _secrets_in_files(environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the secrets that are in files. Raises WrongSettings."""
    given = {name.upper(): value for name, value in environment.items()}
    found: dict[str, Any] = {}
    for field in SECRETS:
        name = variable(field)
        path = given.get(f"{name}_FILE")
        if not path:
            continue
        if given.get(name):
            raise WrongSettings(f"Both {name} and {name}_FILE are set. Set one of them.")
        found[field] = read_secret_file(f"{name}_FILE", path)
    return found
