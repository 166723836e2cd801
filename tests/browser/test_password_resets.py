"""A forgotten password: from the sign-in form to the mail, and to the sign-in with a new one."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal, mailed_link
from tests.browser.contexts import Contexts, Lender

NEW = "a cup of warm milk"


@pytest.fixture
def look(mailing: Portal, contexts: Contexts) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens an address in a new window; scripts must not log errors."""
    complaints: list[str] = []

    def open_page(lend: Lender, path: str, width: int = WIDE, scheme: Any = "light") -> Page:
        page = lend(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path if path.startswith("http") else mailing.url + path)
        return page

    with contexts.lend() as lend:
        yield partial(open_page, lend)
    assert complaints == []


def test_a_forgotten_password_is_replaced(mailing: Portal, look: Callable[..., Page]) -> None:
    person = mailing.person("wencke")
    page = look("/user/login")
    page.get_by_role("link", name="Forgot password?").click()
    page.get_by_label("Email").fill("wencke@example.org")
    page.get_by_role("button", name="Send link").click()
    expect(page.get_by_role("status")).to_contain_text("a mail with a link is on its way")

    page.context.add_cookies([{"name": "portal_session", "value": person.session, "url": mailing.url}])
    page.goto(mailing.url + "/user/dashboard")
    page.wait_for_function("() => window.did_handshake === true")
    opened = look(mailed_link(mailing, person))
    referrers: list[str] = []
    opened.on("request", lambda request: referrers.append(request.headers.get("referer", "")))
    opened.reload()
    expect(opened.get_by_label("Username")).to_have_value("wencke")
    opened.get_by_label("New password", exact=True).fill(NEW)
    opened.get_by_label("New password again").fill(NEW + "!")
    opened.get_by_role("button", name="Set password").click()
    expect(opened.get_by_label("New password again")).to_have_accessible_description("The two passwords differ.")
    assert opened.url == mailing.url + "/user/reset-password"
    opened.get_by_label("New password", exact=True).fill(NEW)
    opened.get_by_label("New password again").fill(NEW)
    opened.get_by_role("button", name="Set password").click()
    expect(opened.get_by_role("status")).to_have_text("Your password has been changed. Sign in with it.")
    assert referrers
    assert [address for address in referrers if "token" in address] == []
    page.wait_for_url("**/user/login**")  # pages that were open in another browser are closed

    opened.get_by_label("Username").fill("wencke")
    opened.get_by_label("Password", exact=True).fill(NEW)
    opened.get_by_role("button", name="Sign in").click()
    opened.wait_for_url("**/user/dashboard")


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_the_forms_have_no_violation(mailing: Portal, look: Callable[..., Page], width: int, scheme: str) -> None:
    person = mailing.person(f"otto-{scheme}")
    page = look("/user/forgot-password", width, scheme)
    assert violations(page) == []
    page.get_by_label("Email").fill(f"otto-{scheme}@example.org")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_be_visible()
    assert violations(page) == []
    for address in (mailed_link(mailing, person), "/user/reset-password?token=ended", "/user/login?changed"):
        page.goto(address if address.startswith("http") else mailing.url + address)
        assert violations(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth") <= width
