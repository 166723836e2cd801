"""The pages of the desktop program: nobody signs in, nobody administers, and empty places lead to Connect."""

import re

import pytest
from fastapi import FastAPI
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from starlette.testclient import TestClient

from portal.actions.spending.budgets import set_budget
from portal.db.tables import Account
from portal.pages import DESKTOP_PAGES, include_forms
from portal.pages.navigation import CONNECT, DESKTOP_MENU, PROFILE, menu_of
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, report, run, send, viewer_of
from tests.desktops import SERVER_WORDS, create_local, use_desktop
from tests.pages.screen import elements, tagged, texts
from tests.portals import HERE, running_portal

PAGES = ("/user/dashboard", "/user/billing", "/user/usage", "/user/profile")
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address")


@pytest.fixture
def local(db: object) -> Account:
    use_desktop()
    return create_local()


def shown(visitor: User) -> list[str]:
    """Return the visible texts of a page, and the names that screen readers read."""
    names = ("aria-label", "title", "placeholder", "data-text", "data-text-since")
    visible = [element for element in elements(visitor) if is_visible(element)]
    found = [str(element.props[name]) for element in visible for name in names if name in element.props]
    return found + [element.text for element in visible if isinstance(element, ui.label) and element.text]


def is_visible(element: Element) -> bool:
    return all(each.visible for each in (element, *element.ancestors()))


def speak(account: Account, language: str) -> None:
    def change(session) -> None:
        session.get_one(Account, account.id).language = language

    run(change)


def test_menu_leads_to_connect_and_not_to_administration(local: Account) -> None:
    assert menu_of(viewer_of(local)) == (list(DESKTOP_MENU), [])
    assert [entry.path for entry in DESKTOP_MENU if entry.path.startswith("/admin")] == []
    routes = {route.path for page in DESKTOP_PAGES for route in page.router.routes}
    assert {entry.path for entry in DESKTOP_MENU} - routes == set()


@pytest.mark.parametrize(
    "path",
    [
        "/user/login",
        "/user/setup",
        "/user/forgot-password",
        "/user/reset-password",
        "/user/keys",
        "/admin/gateways",
        "/admin/gateways/new",
        "/admin/gateways/1",
    ],
)
def test_pages_of_a_server_are_unknown(local: Account, path: str) -> None:
    with running_portal() as browser:
        assert browser.get(path).status_code == 404


def test_nobody_signs_in_or_out(local: Account) -> None:
    server = FastAPI()
    include_forms(server)
    browser = TestClient(server, HERE)
    assert {browser.post(path).status_code for path in ("/user/login", "/user/logout", "/user/setup")} == {404}


def test_request_after_the_session_says_to_open_the_program(local: Account) -> None:
    with running_portal() as browser:
        answer = browser.get("/user/dashboard")
    assert answer.status_code == 401
    assert "Close it, and open MoE Portal again." in answer.text
    assert 'href="/user/' not in answer.text
    assert "Sign in" not in answer.text


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("path", PAGES)
async def test_page_has_no_words_of_a_server(visit, local: Account, gateway: Gateway, path: str, language: str) -> None:
    speak(local, language)
    user = await visit(local, path)
    assert [text for text in shown(user) if SERVER_WORDS.search(text)] == []
    run(set_budget, OPERATOR, local.id, Limits(daily=10, monthly=10**6, total=1000), NOW)
    send(gateway, report("a", username="local", prompt_tokens=2000))
    user = await visit(local, path)
    assert [text for text in shown(user) if SERVER_WORDS.search(text)] == []


@pytest.mark.parametrize("path", ["/user/dashboard", "/user/usage"])
async def test_empty_page_leads_to_connect(visit, local: Account, path: str) -> None:
    user = await visit(local, path)
    links = [e for e in elements(user) if e.props.get("href") == CONNECT.path and "mp-btn" in e.classes]
    assert len(links) == 1


async def test_welcome_ends_with_the_first_request(visit, local: Account, gateway: Gateway) -> None:
    user = await visit(local, "/user/dashboard")
    assert tagged(user, "welcome").visible
    send(gateway, report("a", username="local"))
    user = await visit(local, "/user/dashboard")
    assert not tagged(user, "welcome").visible


async def test_used_up_budget_leads_to_its_limit(visit, local: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, local.id, Limits(total=1000), NOW)
    send(gateway, report("a", username="local", prompt_tokens=2000))
    user = await visit(local, "/user/dashboard")
    banner = tagged(user, "budget-banner")
    assert "Programs may refuse new requests until you raise it." in "".join(texts(banner))
    assert [e.props.get("href") for e in banner.descendants() if e.props.get("href", "").startswith(PROFILE.path)]


async def test_alerts_are_set_without_mails(visit, local: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, local.id, Limits(total=1000), NOW)
    send(gateway, report("a", username="local", prompt_tokens=2000))
    user = await visit(local, "/user/billing")
    page = shown(user)
    assert "Threshold" in page
    assert [text for text in page if re.search("mail", text, re.IGNORECASE)] == []
    assert "mail" not in tagged(user, "past-alerts").props["heading"].lower()
