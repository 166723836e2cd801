"""The server as a whole: its addresses, and its answers to failures."""

import asyncio
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nicegui
import pytest
from nicegui import APIRouter, Client, ui
from nicegui import app as nicegui_app
from nicegui.dependencies import compute_key
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify
from starlette.testclient import TestClient

from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import NotFound, NotSignedIn, Unavailable
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
def failing(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser at a portal where pages fail."""
    monkeypatch.setattr("portal.pages.PAGES", [type("module", (), {"router": failing_pages()})])
    with running_portal() as client:
        yield client


def test_who_is_not_signed_in_is_sent_to_the_form_and_back(browser: TestClient) -> None:
    assert browser.get("/user/dashboard").headers["location"] == "/user/login"
    asked = browser.get("/user/dashboard?range=7&mode=a%2Fb")
    assert asked.status_code == 303
    assert asked.headers["location"] == "/user/login?next=%2Fuser%2Fdashboard%3Frange%3D7%26mode%3Da%252Fb"


def test_page_runs_marked_scripts_and_loads_nothing_foreign(
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


def test_large_modules_of_nicegui_are_neither_listed_nor_served(
    browser: TestClient, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    browser.cookies.set("portal_session", sign_in_as(alice))
    page = browser.get("/user/dashboard").text
    assert '"imports"' in page
    assert "/esm/" not in page
    bundle = Path(nicegui.__file__).parent / "elements" / "plotly" / "dist"
    key = compute_key(bundle, max_time=bundle.stat().st_mtime)
    assert browser.get(f"/_nicegui/{nicegui.__version__}/esm/{key}/index.js").status_code == 404


def test_programs_get_no_cookie_and_no_redirect(browser: TestClient) -> None:
    answer = browser.get("/user/api/budget")
    assert (answer.status_code, answer.json()["error"]) == (401, "not_signed_in")
    assert "set-cookie" not in answer.headers


def test_the_plain_forms_make_no_storage(browser: TestClient) -> None:
    assert "set-cookie" not in browser.get("/user/login").headers


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_wrong_method_is_answered_as_such(browser: TestClient, method: str) -> None:
    answer = browser.request(method, "/user/login")
    assert (answer.status_code, "Nothing to show here" in answer.text) == (405, True)


def test_api_describes_itself_without_foreign_pages(browser: TestClient) -> None:
    assert "/user/api/budget" in browser.get("/api/openapi.json").json()["paths"]
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert browser.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/user/bug?secret=sesame", "/user/sync-bug"])
def test_bug_is_a_number_on_the_page_and_a_logged_traceback(
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


def test_session_ending_during_a_page_leads_to_the_form(failing: TestClient) -> None:
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
    (shown,) = failing.portal.call(click)
    assert str(shown).startswith(message)
    assert "a detail" not in str(shown)
    assert [record.levelname for record in caplog.records] == logged


def test_message_of_a_failed_click_has_colours_of_the_portal(failing: TestClient) -> None:
    client = Client.instances[client_id(failing.get("/user/open").text)]

    async def click() -> list[dict[str, Any]]:
        ui.notify = notify
        with client:
            nicegui_app.handle_exception(NotFound("It is gone."))
        return [data for _, _, data in client.outbox.messages]

    assert failing.portal is not None
    (shown,) = failing.portal.call(click)
    assert "type" not in shown, "Quasar's own colours hide the button"
    assert shown["classes"] == "mp-toast mp-toast--crit"
    assert [action["label"] for action in shown["actions"]] == ["Close"]
