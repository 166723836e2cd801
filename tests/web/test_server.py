"""The server as a whole: what is where, and what is answered when something fails."""

import asyncio
import logging
import re
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from nicegui import APIRouter, Client, ui
from nicegui import app as nicegui_app
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from nicegui.testing.general import nicegui_reset_globals
from pydantic import SecretStr
from sqlalchemy import select
from starlette.testclient import TestClient
from starlette.types import Message

from portal.db.sql.schema import pin_budget_timezone
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import NotFound, NotSignedIn, Unavailable
from portal.settings import Settings, settings
from portal.web.server import CannotStart, address, build, listen, open_portal, storage_secret
from tests.portals import running_portal
from tests.sockets import client_id

EVERYWHERE = "0.0.0.0"  # noqa: S104  # a setting; nothing listens


def failing_pages() -> APIRouter:
    """Return pages that go wrong in every way there is."""
    router = APIRouter()

    @router.page("/user/bug")
    async def bug(secret: str = "") -> None:
        ui.label("drawn before")
        raise ValueError(f"a detail {secret}")

    @router.page("/user/sync-bug")
    def sync_bug() -> None:
        raise ValueError("a detail")

    @router.page("/user/missing")
    async def missing() -> None:
        raise NotFound("There is no such request of yours.")

    @router.page("/user/ended")
    async def ended() -> None:
        raise NotSignedIn

    @router.page("/user/resting")
    async def resting() -> None:
        raise Unavailable

    @router.page("/user/number")
    async def number(page: int) -> None:
        ui.label(str(page))

    @router.page("/user/slow", response_timeout=0.01)
    async def slow() -> None:
        await asyncio.Event().wait()

    @router.page("/user/open")
    async def opened() -> None:
        ui.label("nothing goes wrong here")

    return router


@pytest.fixture
def browser(db: Database) -> Iterator[TestClient]:
    with running_portal() as client:
        yield client


@pytest.fixture
def failing(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser at a portal whose pages fail."""
    monkeypatch.setattr("portal.pages.PAGES", [type("module", (), {"router": failing_pages()})])
    with running_portal() as client:
        yield client


def test_the_bare_address_leads_to_the_dashboard(browser: TestClient) -> None:
    answer = browser.get("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/dashboard")


def test_who_is_not_signed_in_is_sent_to_the_form_and_back(browser: TestClient) -> None:
    assert browser.get("/user/dashboard").headers["location"] == "/user/login"
    asked = browser.get("/user/dashboard?range=7&mode=a%2Fb")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/user/login?next=%2Fuser%2Fdashboard%3Frange%3D7%26mode%3Da%252Fb"


def test_a_page_runs_marked_scripts_only_and_loads_nothing_from_elsewhere(
    browser: TestClient, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    browser.cookies.set("portal_session", sign_in_as(alice))
    answer = browser.get("/user/dashboard")
    assert answer.status_code == 200
    nonce = answer.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
    scripts = re.findall(r"<script[^>]*>", answer.text)
    assert len(scripts) > 5
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    assert not re.search(r"<[^>]+\son\w+\s*=", answer.text.partition("parseElements")[0])
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert answer.headers["cache-control"] == "no-store"


def test_large_answers_are_compressed(browser: TestClient) -> None:
    assert browser.get("/static/portal.css").headers["content-encoding"] == "gzip"
    assert "content-encoding" not in browser.get("/healthz").headers


def test_our_files_are_cached_for_ever_under_the_name_of_their_content(browser: TestClient) -> None:
    (versioned,) = re.findall(r'href="(/static/portal\.css\?v=\w+)"', browser.get("/user/login").text)
    assert browser.get(versioned).headers["cache-control"] == "public, max-age=31536000, immutable"
    for other in ("/static/portal.css", "/static/portal.css?v=000000000000"):
        assert browser.get(other).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/static/../clock.py", "/static/%2e%2e/clock.py", "/static/none.css", "/static/"])
def test_no_other_file_is_given_away(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, "Page not found" in answer.text) == (404, True)


def test_there_is_an_icon(browser: TestClient) -> None:
    assert browser.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


@pytest.mark.parametrize("path", ["/nowhere", "/user/nowhere", "/user/login/more", "/%00", "/user/%ff"])
def test_an_unknown_page_is_a_page(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "<title>Page not found · MoE Portal</title>" in answer.text
    assert "<h1>Page not found</h1>" in answer.text
    assert 'href="/user/dashboard"' in answer.text
    assert "nowhere" not in answer.text


@pytest.mark.parametrize("path", ["/api/nowhere", "/user/api/nowhere"])
def test_an_unknown_address_of_programs_is_json(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_programs_get_no_cookie_and_no_redirect(browser: TestClient) -> None:
    answer = browser.get("/user/api/budget")
    assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")
    assert "set-cookie" not in answer.headers


def test_the_plain_forms_make_no_storage(browser: TestClient) -> None:
    assert "set-cookie" not in browser.get("/user/login").headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_a_wrong_method_is_said_so(browser: TestClient, method: str) -> None:
    answer = browser.request(method, "/user/login")
    assert (answer.status_code, "Nothing to show here" in answer.text) == (405, True)


def test_the_api_describes_itself_and_no_page_does_it_from_elsewhere(browser: TestClient) -> None:
    assert "/user/api/budget" in browser.get("/api/openapi.json").json()["paths"]
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/user/bug?secret=sesame", "/user/sync-bug"])
def test_a_bug_is_a_number_on_the_page_and_a_traceback_in_the_log(
    failing: TestClient, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing.get(path)
    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    (number,) = re.findall(r"req-[0-9a-f]{8}", answer.text)
    assert answer.headers["x-request-id"] == number
    assert not re.search(r"ValueError|a detail|Traceback|sesame|drawn before", answer.text)
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert number in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[0] is ValueError
    assert "sesame" not in record.getMessage()


def test_a_known_failure_is_its_sentence(failing: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    answer = failing.get("/user/missing")
    assert answer.status_code == 404
    assert "There is no such request of yours." in answer.text
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_session_that_ends_while_a_page_is_built_leads_to_the_form(failing: TestClient) -> None:
    answer = failing.get("/user/ended?x=1")
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/login?next=%2Fuser%2Fended%3Fx%3D1")


@pytest.mark.parametrize("path", ["/user/resting", "/user/slow"])
def test_trouble_that_will_pass_asks_to_come_again(failing: TestClient, path: str) -> None:
    answer = failing.get(path)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert '<a class="mp-btn mp-btn--primary" href="">Try again</a>' in answer.text
    assert "response_timeout" not in answer.text


def test_an_address_that_cannot_be_understood_says_so(failing: TestClient) -> None:
    answer = failing.get("/user/number?page=<script>")
    assert (answer.status_code, "<script>" in answer.text) == (422, False)
    assert "The address is not quite right" in answer.text


def test_a_browser_that_does_not_answer_is_no_bug(failing: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    client = Client.instances[client_id(failing.get("/user/open").text)]

    async def ask() -> int:
        with client:
            nicegui_app.handle_exception(TimeoutError("JavaScript did not respond within 1.0 s"))
        return len(client.outbox.messages)

    assert failing.portal is not None
    assert failing.portal.call(ask) == 0
    assert [record.getMessage() for record in caplog.records] == ["a browser did not answer in time"]


@pytest.mark.parametrize(
    ("error", "message", "logged"),
    [
        pytest.param(NotFound("It is gone."), "It is gone.", [], id="a known failure"),
        pytest.param(NotSignedIn(), "/user/login", [], id="an ended session"),
        pytest.param(ValueError("a detail"), "Something went wrong on our side (req-", ["ERROR"], id="a bug"),
    ],
)
def test_a_click_that_fails_is_explained_in_the_page(
    failing: TestClient, caplog: pytest.LogCaptureFixture, error: Exception, message: str, logged: list[str]
) -> None:
    client = Client.instances[client_id(failing.get("/user/open").text)]

    async def click() -> list[object]:
        ui.navigate, ui.notify = Navigate(), notify  # a `User` of an earlier test may still put its own in their place
        with client:
            nicegui_app.handle_exception(error)
        return [data.get("message") or data["path"] for _, _, data in client.outbox.messages]

    assert failing.portal is not None
    (said,) = failing.portal.call(click)
    assert str(said).startswith(message)
    assert "a detail" not in str(said)
    assert [record.levelname for record in caplog.records] == logged


def test_the_data_directory_and_the_secret_are_nobody_elses(tmp_path: Path) -> None:
    directory = tmp_path / "deep" / "data"
    configured = Settings(data_dir=directory)
    with nicegui_reset_globals():
        build(configured)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert [(file.name, stat.S_IMODE(file.stat().st_mode)) for file in directory.iterdir()] == [("secret", 0o600)]
    made = storage_secret(configured)
    assert len(made) == 64
    assert storage_secret(configured) == made


def test_an_operator_may_choose_the_secret(tmp_path: Path) -> None:
    assert storage_secret(Settings(data_dir=tmp_path, secret=SecretStr("chosen"))) == "chosen"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("configured", "expected"),
    [
        ({}, "http://127.0.0.1:80"),
        ({"host": EVERYWHERE}, "http://localhost:80"),
        ({"host": "::1"}, "http://[::1]:80"),
        ({"base_url": "https://portal.example.org/"}, "https://portal.example.org"),
    ],
)
def test_the_address_is_one_people_can_open(configured: dict[str, str], expected: str) -> None:
    assert address(Settings.model_validate(configured), 80) == expected


def test_a_port_that_is_taken_is_a_sentence() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(CannotStart, match="Cannot listen on"):
        listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize(
    ("configured", "sentence"),
    [
        pytest.param({"database_url": "sqlite:////dev/null/no.sqlite3"}, "/dev/null does not exist", id="no folder"),
        pytest.param({"database_url": "nonsense"}, "is not the address of a database", id="no address"),
        pytest.param({"database_url": "oracle://a:sesame@b/c"}, "begins with oracle://", id="nobody supports it"),
        pytest.param({"database_url": "sqlite:///{newer}"}, "The database is at revision 9999", id="a newer one"),
        pytest.param({"budget_timezone": "Asia/Tokyo"}, "Days in this database are counted in UTC", id="another zone"),
    ],
)
def test_a_database_that_cannot_be_used_is_a_sentence(
    db: Database, tmp_path: Path, configured: dict[str, str], sentence: str
) -> None:
    newer = tmp_path / "newer.sqlite3"
    with closing(sqlite3.connect(newer)) as database, database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    pin_budget_timezone(db, "UTC")
    wanted = {name: value.format(newer=newer) for name, value in configured.items()}
    here = Settings(data_dir=tmp_path).url
    with pytest.raises(CannotStart) as refused:
        open_portal(Settings.model_validate({"database_url": here, **wanted}))
    assert sentence in str(refused.value)
    assert "sesame" not in str(refused.value)


def test_a_server_that_cannot_start_says_so_to_whoever_runs_it(
    db: Database, settings_env: Callable[..., None], tmp_path: Path
) -> None:
    settings_env(database_url="nonsense", data_dir=tmp_path)
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        said.append(message)

    async def start() -> None:
        await build(settings())({"type": "lifespan"}, receive, send)

    with nicegui_reset_globals():
        asyncio.run(start())
    (message,) = said
    assert message["type"] == "lifespan.startup.failed"
    assert message["message"].startswith("PORTAL_DATABASE_URL is not the address of a database.")


def test_a_directory_that_cannot_be_made_is_a_sentence() -> None:
    with pytest.raises(CannotStart, match="cannot be made"):
        build(Settings(data_dir=Path("/dev/null/data")))


def test_administrator_of_the_environment_replaces_the_setup_link(
    db: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = {"database_url": settings().database_url, "data_dir": tmp_path, "admin_username": "root"}
    with pytest.raises(CannotStart, match=r"^PORTAL_ADMIN_PASSWORD: Use at least 10 characters"):
        open_portal(Settings.model_validate({**values, "admin_password": "short"}))
    open_portal(Settings.model_validate({**values, "admin_password": "four words are enough"}))
    assert capsys.readouterr().out == ""
    with db.reading() as session:
        assert [(a.username, a.role) for a in session.scalars(select(Account))] == [("root", "admin")]


def test_missing_driver_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(CannotStart, match=r"^The driver for PostgreSQL is missing\. Install the extra: pip install"):
        open_portal(Settings(data_dir=tmp_path, database_url="postgresql://nobody@127.0.0.1:1/none"))
