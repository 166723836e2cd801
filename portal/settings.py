"""Every PORTAL_* variable, typed, with its unit and default."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from portal.rules.periods import zone


def _zone_name(name: str) -> str:
    zone(name)
    return name


def _web_address(url: str | None) -> str | None:
    if url and not re.fullmatch(r"https?://[^/\s?#@]+/?", url):
        raise ValueError("write an address such as https://portal.example.org, without a path")
    return url or None


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


@lru_cache(maxsize=1)
def settings() -> Settings:
    """Return the settings of this process."""
    return Settings()
