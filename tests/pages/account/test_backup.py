"""Backup on the profile of the desktop program: the window saves one, and restores one while the program runs."""

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from nicegui import ui
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from sqlalchemy import select

from portal.actions.metering.verification import verify_ledger
from portal.backups import desktop
from portal.backups.desktop import preview_upload, restore_upload
from portal.backups.manifest import DUMP_FORM, WrongBackup
from portal.backups.restoring import unpacked
from portal.backups.writing import write_backup
from portal.db.sql.schema import pinned_budget_timezone
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, UsageEvent
from portal.db.tables import Session as SessionRow
from portal.errors import Forbidden, NotFound
from portal.rules.people.accounts import LOCAL
from portal.rules.people.actors import Actor
from portal.rules.periods import zone
from portal.settings import settings
from portal.views.people.accounts import load_viewer
from portal.web.visitors import cookie_name
from tests.cast import NOW, Gateway, acting, create_member, report, run, send
from tests.desktops import create_local, use_desktop
from tests.pages.screen import elements, tagged, texts, until
from tests.portals import HERE, running_portal

PAGE = "/user/profile"
FILE = "/user/backup"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address", "folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def local(db: object, folder: Path) -> Account:
    use_desktop(folder)
    return create_local()


@pytest.fixture
def saved(db: Database, local: Account, gateway: Gateway, tmp_path: Path) -> Path:
    """A backup with one request of the person; a second one is reported after it."""
    send(gateway, report("in the backup", username=LOCAL))
    file = tmp_path / "saved.zip"
    write_backup(db, file, NOW)
    send(gateway, report("later", username=LOCAL))
    return file


def requests() -> list[str]:
    return run(lambda session: list(session.scalars(select(UsageEvent.external_id).order_by(UsageEvent.id))))


def uploaded(file: Path) -> str:
    """Put a file where the window's uploads are."""
    (settings().data_dir / "backup-sent").mkdir(exist_ok=True)
    (settings().data_dir / "backup-sent" / "0a.zip").write_bytes(file.read_bytes())
    return "0a"


def session_ids() -> list[int]:
    return run(lambda session: list(session.scalars(select(SessionRow.id))))


def restore(file: Path, actor: Actor, username: str = "") -> None:
    restore_upload(uploaded(file), actor, max(session_ids()), username, NOW)


def test_file_is_for_the_window_alone(local: Account, sign_in_as: Callable[[Account], str], tmp_path: Path) -> None:
    with running_portal() as browser:
        assert browser.get(FILE).status_code == 401
        assert browser.put(FILE, content=b"x", headers={"Origin": HERE}).status_code == 401
        browser.cookies.set(cookie_name(), sign_in_as(local))
        assert browser.get(FILE).status_code == 404
        desktop.write_local_backup(NOW)
        answer = browser.get(FILE)
        assert answer.headers["content-disposition"] == 'attachment; filename="moe-portal-20261122T140500Z.zip"'
        assert browser.put(FILE, content=b"x", headers={"Origin": "http://evil.example"}).status_code == 403
    (tmp_path / "got.zip").write_bytes(answer.content)
    with zipfile.ZipFile(tmp_path / "got.zip") as archive:
        assert archive.testzip() is None
    assert list((settings().data_dir / "backup-saved").iterdir()) == []


def test_server_has_no_such_file(db: object, admin: Account, sign_in_as: Callable[[Account], str]) -> None:
    with running_portal() as browser:
        browser.cookies.set(cookie_name(), sign_in_as(admin))
        assert browser.get(FILE).status_code == 404
        assert browser.put(FILE, content=b"x", headers={"Origin": HERE}).status_code in {404, 405}


def test_sent_file_is_previewed(local: Account, saved: Path, sign_in_as: Callable[[Account], str]) -> None:
    with running_portal() as browser:
        browser.cookies.set(cookie_name(), sign_in_as(local))
        first = browser.put(FILE, content=saved.read_bytes(), headers={"Origin": HERE}).text
        second = browser.put(FILE, content=saved.read_bytes(), headers={"Origin": HERE}).text
        too_large = {"Origin": HERE, "Content-Length": "1000000001"}
        assert browser.put(FILE, content=b"x", headers=too_large).status_code == 413
        preview = preview_upload(second)
    assert (preview.manifest.requests, preview.manifest.tokens, preview.accounts) == (1, 120, ())
    with pytest.raises(NotFound):
        preview_upload(first)


def test_person_stays_with_another_number(local: Account, saved: Path, sign_in_as: Callable[[Account], str]) -> None:
    token = sign_in_as(local)
    [before] = session_ids()
    restore(saved, acting(local))
    assert requests() == ["in the backup"]
    viewer = run_in_reading(load_viewer, token, NOW)
    assert viewer is not None
    assert (viewer.username, session_ids()) == (LOCAL, [before + 1])
    assert list(verify_ledger(settings().budget_zone)) == []
    assert not (settings().data_dir / "backup-sent" / "0a.zip").exists()


@pytest.fixture
def of_a_server(db: Database, local: Account, gateway: Gateway, tmp_path: Path) -> Path:
    """A backup of a server with Alice and Bob, and without a local account."""
    run(lambda session: setattr(session.get_one(Account, local.id), "username", "root"))
    create_member("alice")
    create_member("bob")
    send(gateway, report("by alice"), report("by bob", username="bob"))
    file = tmp_path / "server.zip"
    write_backup(db, file, NOW)
    run(lambda session: setattr(session.get_one(Account, local.id), "username", LOCAL))
    return file


@pytest.mark.parametrize(("username", "display_name"), [("alice", "Alice"), ("", "Local")])
def test_person_chooses_an_account_of_a_server(
    local: Account, of_a_server: Path, sign_in_as: Callable[[Account], str], username: str, display_name: str
) -> None:
    token = sign_in_as(local)
    assert [name for name, _ in preview_upload(uploaded(of_a_server)).accounts] == ["alice", "bob", "root"]
    restore(of_a_server, acting(local), username)
    viewer = run_in_reading(load_viewer, token, NOW)
    assert viewer is not None
    assert (viewer.username, viewer.display_name, viewer.role) == (LOCAL, display_name, "admin")
    assert sorted(requests()) == ["by alice", "by bob"]


def test_unknown_choice_changes_nothing(
    local: Account, of_a_server: Path, gateway: Gateway, sign_in_as: Callable[[Account], str]
) -> None:
    sign_in_as(local)
    send(gateway, report("later", username=LOCAL))
    with pytest.raises(NotFound):
        restore(of_a_server, acting(local), "nobody")
    assert "later" in requests()


def test_days_are_counted_in_the_zone_of_the_program(
    local: Account, saved: Path, sign_in_as: Callable[[Account], str], settings_env: Any, folder: Path
) -> None:
    sign_in_as(local)
    settings_env(budget_timezone="Asia/Tokyo")
    use_desktop(folder)
    restore(saved, acting(local))
    assert run_in_reading(pinned_budget_timezone) == "Asia/Tokyo"
    assert list(verify_ledger(zone("Asia/Tokyo"))) == []


def test_only_the_person_restores(
    local: Account, saved: Path, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    sign_in_as(alice)
    with pytest.raises(Forbidden):
        restore(saved, acting(alice))
    assert len(requests()) == 2


def test_dump_of_a_server_is_refused(local: Account, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Dumped:
        def __init__(self, *args: Any) -> None:
            self._real = unpacked(*args)

        def __enter__(self) -> Any:
            found = self._real.__enter__()
            return replace(found, manifest=found.manifest.model_copy(update={"data": DUMP_FORM}))

        def __exit__(self, *error: Any) -> None:
            self._real.__exit__(*error)

    monkeypatch.setattr(desktop, "unpacked", Dumped)
    with pytest.raises(WrongBackup, match="into PostgreSQL only"):
        preview_upload(uploaded(saved))


def picked(visitor: User, **sent: str) -> None:
    """Do what the browser does after a file was picked and sent."""
    (picker,) = (e for e in elements(visitor) if e.tag == "input" and e.props.get("type") == "file")
    UserInteraction(visitor, {picker}, None).trigger("change", sent)


def says(visitor: User, sentence: str) -> bool:
    return any(sentence in text for text in texts(tagged(visitor, "backup")))


def opened_dialog(visitor: User) -> ui.dialog | None:
    return next((e for e in elements(visitor) if isinstance(e, ui.dialog) and e.value), None)


async def test_page_saves_a_file(visit, local: Account, gateway: Gateway, folder: Path) -> None:
    send(gateway, report(username=LOCAL))
    user = await visit(local)
    user.find("Save a backup").click()
    await user.download.next()  # the route is on the server around NiceGUI's app: see the first test
    assert [path.name for path in (folder / "backup-saved").iterdir()] == ["moe-portal-20261122T140500Z.zip"]


async def test_page_says_why_nothing_was_saved(visit, local: Account, folder: Path) -> None:
    user = await visit(local)
    (folder / "backup-saved").write_text("in the way", encoding="utf-8")
    user.find("Save a backup").click()
    await until(lambda: says(user, "backup-saved cannot be written: File exists."))


async def test_page_restores_after_a_question(visit, local: Account, saved: Path) -> None:
    user = await visit(local)
    picked(user, state="sending")
    picked(user, state="stored", text=uploaded(saved))
    await until(lambda: opened_dialog(user))
    window = opened_dialog(user)
    assert window is not None
    shown = [e.text for e in window.descendants() if isinstance(e, ui.label) and e.visible]
    assert {"Restore this backup?", "22 November 2026 at 15:05 (Europe/Berlin)", "1", "120"} <= set(shown)
    assert len(requests()) == 2
    (danger,) = (e for e in window.descendants() if "mp-btn--danger-fill" in e.classes)
    client = user.client
    assert client is not None
    UserInteraction(user, {danger}, None).click()
    await until(lambda: client.is_deleted)
    assert requests() == ["in the backup"]


async def test_page_says_why_a_file_is_refused(visit, local: Account, tmp_path: Path) -> None:
    user = await visit(local)
    (tmp_path / "no.zip").write_bytes(b"no backup")
    picked(user, state="stored", text=uploaded(tmp_path / "no.zip"))
    await until(lambda: says(user, "This file is not a backup of MoE Portal, or it is damaged."))
    picked(user, state="refused", text="")
    await until(lambda: says(user, "The file could not be sent. It may have up to 1,000 MB."))
    assert opened_dialog(user) is None


async def test_restored_page_says_so(visit, local: Account) -> None:
    user = await visit(local, "restored=1")
    await until(lambda: says(user, "The backup was restored."))


async def test_server_has_no_such_card(visit, alice: Account) -> None:
    user = await visit(alice)
    assert [e for e in elements(user) if e.props.get("data-testid") == "backup"] == []
