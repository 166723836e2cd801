"""Settings of the desktop program: those of a server have no effect."""

from pathlib import Path

import pytest

from portal.desktop.settings import desktop_settings
from portal.settings import WrongSettings


def test_server_settings_have_no_effect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PORTAL_HOST": "0.0.0.0",  # noqa: S104  # must have no effect
        "PORTAL_DATABASE_URL": "postgresql://elsewhere/x",
        "PORTAL_BASE_URL": "https://portal.example.org",
        "PORTAL_BUDGET_TIMEZONE": "Asia/Tokyo",
        "PORTAL_LOG_LEVEL": "debug",
    }.items():
        monkeypatch.setenv(name, value)
    chosen = desktop_settings(tmp_path, 8500, "Europe/Berlin")
    assert (chosen.is_desktop, chosen.host, chosen.port) == (True, "127.0.0.1", 8500)
    assert (chosen.url, chosen.secure) == (f"sqlite:///{tmp_path / 'portal.sqlite3'}", False)
    assert (chosen.budget_timezone, chosen.log_level) == ("Europe/Berlin", "debug")


@pytest.mark.parametrize(("kept", "taken"), [(None, None), (8500, None), (20_111, 20_111)])
def test_kept_port_is_taken_if_another_one_is_used(tmp_path: Path, kept: int | None, taken: int | None) -> None:
    assert desktop_settings(tmp_path, 8500, "UTC", kept).taken_port == taken


@pytest.mark.parametrize(("name", "value"), [("PORTAL_LOGLEVEL", "debug"), ("PORTAL_LOG_LEVEL", "loud")])
def test_wrong_setting_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match="PORTAL_LOG"):
        desktop_settings(tmp_path, 8500, "UTC")
