"""The switches of the desktop program apply at once, and say why they could not."""

from pathlib import Path

import pytest
from nicegui import ui
from nicegui.testing import User

from portal.db.spending.alerts import alert_settings
from portal.db.tables import Account
from portal.pages.account import computer
from portal.system import autostart
from portal.system.notices import CannotNotify
from tests.cast import run
from tests.desktops import create_local, use_desktop
from tests.pages.screen import tagged, texts, until

PAGE = "/user/profile"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address", "config")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    return tmp_path / "settings"


@pytest.fixture
def no_folder(config: Path) -> None:
    """Put a file where the folder of the settings would be."""
    config.write_text("a file, not a folder", encoding="utf-8")


@pytest.fixture
def local(db: object) -> Account:
    use_desktop()
    return create_local()


def turn(visitor: User, test_id: str, on: bool) -> None:
    with visitor:
        switch_of(visitor, test_id).value = on


def switch_of(visitor: User, test_id: str) -> ui.switch:
    found = tagged(visitor, test_id)
    assert isinstance(found, ui.switch)
    return found


def says(visitor: User, sentence: str) -> bool:
    return sentence in texts(tagged(visitor, "computer"))


async def test_start_with_the_system_is_switched_on_and_off(visit, local: Account) -> None:
    user = await visit(local)
    assert not switch_of(user, "starts-with-system").value
    turn(user, "starts-with-system", True)
    await until(lambda: says(user, "It starts with the system."))
    assert autostart.is_on()
    user = await visit(local)
    assert switch_of(user, "starts-with-system").value
    turn(user, "starts-with-system", False)
    await until(lambda: says(user, "It no longer starts with the system."))
    assert not autostart.is_on()


async def test_refused_start_with_the_system_is_off_again(visit, local: Account, no_folder: None) -> None:
    user = await visit(local)
    turn(user, "starts-with-system", True)
    await until(lambda: says(user, "The system did not take this: Not a directory."))
    assert not switch_of(user, "starts-with-system").value
    assert not autostart.is_on()


async def test_notifications_are_switched_off(visit, local: Account) -> None:
    user = await visit(local)
    assert switch_of(user, "notifies").value
    turn(user, "notifies", False)
    await until(lambda: says(user, "Notifications are off."))
    assert not run(alert_settings, local.id).on_desktop


async def test_test_button_shows_a_notification(visit, local: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, str]] = []
    monkeypatch.setattr(computer, "show_notice", lambda *texts: shown.append(texts))
    user = await visit(local)
    user.find("Show a test notification").click()
    await until(lambda: says(user, "The system has taken the notification."))
    assert shown == [("MoE Portal", "Notifications of budget alerts look like this.")]


async def test_test_button_says_that_the_system_has_none(
    visit, local: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: str) -> None:
        raise CannotNotify

    monkeypatch.setattr(computer, "show_notice", refuse)
    user = await visit(local)
    user.find("Show a test notification").click()
    await until(lambda: says(user, "This system does not show notifications."))
