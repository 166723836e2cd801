"""Open pages belong to the browser session that asked for them, and end with it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from nicegui import APIRouter, Client, ui
from sqlalchemy.orm import Session
from starlette.testclient import TestClient, WebSocketTestSession

from portal.actions.people.sessions import sign_out
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import Unavailable
from portal.pages import open_pages
from portal.web.visitors import SignedIn
from tests.cast import run
from tests.portals import running_portal
from tests.sockets import Visitor, ask, connect, emit, handshake, heard

clicked: list[str] = []


def counting_pages() -> APIRouter:
    """Return a page for the signed-in and one for everybody, each with a button."""
    router = APIRouter()

    @router.page("/user/counted")
    async def signed_in_page(viewer: SignedIn) -> None:
        open_pages.remember(ui.context.client, viewer)
        ui.button("Count", on_click=lambda: clicked.append(viewer.username))

    @router.page("/counted")
    async def open_page() -> None:
        ui.button("Count", on_click=lambda: clicked.append("somebody"))

    return router


@pytest.fixture
def browser(db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    clicked.clear()
    monkeypatch.setattr("portal.pages.PAGES", [type("module", (), {"router": counting_pages()})])
    with running_portal() as client:
        yield client


@pytest.fixture
def alice_visits(browser: TestClient, alice: Account, sign_in_as: Callable[[Account], str]) -> Visitor:
    visitor = Visitor(browser, sign_in_as(alice))
    visitor.open("/user/counted")
    return visitor


@pytest.fixture
def charlie_visits(browser: TestClient, charlie: Account, sign_in_as: Callable[[Account], str]) -> Visitor:
    visitor = Visitor(browser, sign_in_as(charlie))
    visitor.open("/user/counted")
    return visitor


@pytest.fixture
def stranger(browser: TestClient) -> Visitor:
    return Visitor(browser, None)


def click(page_id: str) -> dict[str, object]:
    """Return the message of a click on the page's button."""
    (button,) = (element for element in Client.instances[page_id].elements.values() if isinstance(element, ui.button))
    (listener,) = (event["listener_id"] for event in button._to_dict()["events"] if event["type"] == "click")
    return {"id": button.id, "client_id": page_id, "listener_id": listener, "args": ["{}"]}


def settle(socket: WebSocketTestSession) -> None:
    """Wait until earlier messages have been handled."""
    emit(socket, "handshake", {})
    ask(socket, "handshake", {})


def test_a_page_is_driven_by_the_browser_that_opened_it(alice_visits: Visitor) -> None:
    with alice_visits.socket() as socket:
        assert connect(socket)
        emit(socket, "event", click(alice_visits.page_id))
        settle(socket)
    assert clicked == ["alice"]


def test_an_explicit_handshake_works_as_well(alice_visits: Visitor) -> None:
    with alice_visits.socket(implicit=False) as socket:
        assert connect(socket)
        assert ask(socket, "handshake", handshake(alice_visits.page_id)) is True
        emit(socket, "event", click(alice_visits.page_id))
        settle(socket)
    assert clicked == ["alice"]


def test_a_second_session_of_the_same_person_is_another_browser(
    alice_visits: Visitor, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    assert not Visitor(alice_visits.browser, sign_in_as(alice)).knocks(alice_visits.page_id)


@pytest.mark.parametrize("who", ["charlie_visits", "stranger"])
def test_nobody_else_gets_in_with_the_id_of_a_page(
    alice_visits: Visitor, who: str, request: pytest.FixtureRequest
) -> None:
    other: Visitor = request.getfixturevalue(who)
    assert not other.knocks(alice_visits.page_id)
    with other.socket(alice_visits.page_id, implicit=False) as socket:
        assert connect(socket)
        assert ask(socket, "handshake", handshake(alice_visits.page_id)) is False
        emit(socket, "event", click(alice_visits.page_id))
        settle(socket)
    assert clicked == []
    assert alice_visits.knocks(), "she herself still does"


def test_a_socket_speaks_for_its_own_page_alone(alice_visits: Visitor, charlie_visits: Visitor) -> None:
    with ExitStack() as stack:
        alices = stack.enter_context(alice_visits.socket())
        charlies = stack.enter_context(charlie_visits.socket())
        assert connect(alices)
        assert connect(charlies)
        emit(charlies, "event", click(alice_visits.page_id))
        for event in ("ack", "javascript_response"):
            emit(charlies, event, {"client_id": alice_visits.page_id, "next_message_id": 99, "request_id": "x"})
        settle(charlies)
        assert clicked == []
        emit(charlies, "event", click(charlie_visits.page_id))
        settle(charlies)
    assert clicked == ["charlie"]


def test_a_socket_does_not_change_to_another_page(alice_visits: Visitor, charlie_visits: Visitor) -> None:
    with charlie_visits.socket() as socket:
        assert connect(socket)
        assert ask(socket, "handshake", handshake(alice_visits.page_id)) is False


def test_before_signing_in_a_page_belongs_to_its_browser_too(stranger: Visitor, alice_visits: Visitor) -> None:
    page_id = stranger.open("/counted")
    assert not Visitor(stranger.browser, None).knocks(page_id)
    assert not alice_visits.knocks(page_id)
    assert stranger.knocks(page_id)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"client_id": "nobody"}, id="an unknown page"),
        pytest.param({"client_id": ""}, id="no page"),
        pytest.param({"next_message_id": "NaN"}, id="a number that is none"),
        pytest.param({"next_message_id": "-1"}, id="a negative one"),
        pytest.param({"tab_id": ""}, id="no tab"),
    ],
)
def test_a_malformed_handshake_is_refused(alice_visits: Visitor, wrong: dict[str, str]) -> None:
    assert not alice_visits.knocks(**wrong)


def test_malformed_messages_change_nothing(alice_visits: Visitor) -> None:
    own = {"client_id": alice_visits.page_id}
    wrong: list[Any] = [
        None,
        7,
        "text",
        [],
        {},
        {"client_id": 7},
        {"client_id": None},
        own,
        {**own, "id": [], "args": 7},
    ]
    with alice_visits.socket() as socket:
        assert connect(socket)
        for event in ("event", "ack", "javascript_response", "log", "handshake", "unheard-of"):
            for data in wrong:
                emit(socket, event, data)
        settle(socket)
    assert clicked == []


def test_a_browser_writes_one_short_line_into_the_log(alice_visits: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "portal")
    with alice_visits.socket() as socket:
        assert connect(socket)
        emit(
            socket, "log", {"client_id": alice_visits.page_id, "level": "x", "message": "a\nERROR forged" + "b" * 9000}
        )
        settle(socket)
    (line,) = [record.getMessage() for record in caplog.records if "a browser reports" in record.getMessage()]
    assert "\n" not in line
    assert len(line) < 600


def recheck(browser: TestClient) -> None:
    """Check the sessions of open pages, as every tick does."""
    assert browser.portal is not None
    browser.portal.call(open_pages.recheck)


def test_a_page_ends_with_its_session(browser: TestClient, alice_visits: Visitor, charlie_visits: Visitor) -> None:
    with alice_visits.socket() as socket:
        assert connect(socket)
        run(sign_out, alice_visits.cookies["portal_session"])
        recheck(browser)
        (code,) = [data["code"] for event, data in heard(socket) if event == "run_javascript"]
        assert 'location.assign("/user/login?next="' in code
        emit(socket, "event", {"client_id": alice_visits.page_id, "id": 1, "listener_id": "x", "args": []})
    assert set(Client.instances) == {charlie_visits.page_id}


def test_a_page_ends_when_its_account_is_suspended(browser: TestClient, alice: Account, alice_visits: Visitor) -> None:
    def suspend(session: Session) -> None:  # only this, as by hand in the database
        account = session.get(Account, alice.id)
        assert account is not None
        account.active = False

    run(suspend)
    recheck(browser)
    assert Client.instances == {}


def test_pages_of_running_sessions_stay(browser: TestClient, alice_visits: Visitor) -> None:
    recheck(browser)
    assert set(Client.instances) == {alice_visits.page_id}


def test_nobody_is_sent_away_because_the_database_rests(
    browser: TestClient, alice_visits: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def rest(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(open_pages, "in_reading", rest)
    recheck(browser)
    assert set(Client.instances) == {alice_visits.page_id}


def test_nothing_is_asked_when_nobody_looks(browser: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_pages, "in_reading", None)
    recheck(browser)


def test_closed_pages_are_forgotten(browser: TestClient, alice_visits: Visitor) -> None:
    assert browser.portal is not None
    assert len(open_pages._open) == 1
    browser.portal.call(Client.instances[alice_visits.page_id].delete)
    assert open_pages._open == {}
    assert open_pages._driven == {}


def test_an_expired_session_is_not_running(
    browser: TestClient, alice_visits: Visitor, settings_env: Callable[..., None]
) -> None:
    with time_machine.travel(utc_now() + timedelta(days=15), tick=False):
        recheck(browser)
    assert Client.instances == {}


def test_a_session_that_ended_elsewhere_acts_no_more(browser: TestClient, alice_visits: Visitor) -> None:
    with alice_visits.socket() as socket:
        assert connect(socket)
        run(sign_out, alice_visits.cookies["portal_session"])  # as another server, or the command line, does it
        emit(socket, "event", click(alice_visits.page_id))
        settle(socket)
    assert clicked == []
    assert alice_visits.page_id not in Client.instances
