"""No page, dialog or menu violates a rule of axe or is wider than its window."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect
from starlette.requests import Request

from portal.pages.errors import draw_error
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Person, Portal
from tests.browser.places import ERRORS, PAGES, ROUTES_OF_WINDOWS, address, form_addresses, go, settle, windows_of

Visit = Callable[..., Page]

TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
MOST_TO_FIT = 5_000
"""Milliseconds in which charts and tables have taken the width of the window."""
WIDTHS = (1440, 1250, 1024, 768, 390, 320)


@pytest.mark.parametrize("route", PAGES)
def test_a_page_has_no_violation_and_fits_the_window(busy: Person, portal: Portal, visit: Visit, route: str) -> None:
    page = visit(busy, address(route))
    settle(page)
    expect(page.get_by_role("heading", level=1)).to_have_text(PAGES[route])
    expect(page).to_have_title(f"{PAGES[route]} · MoE Portal")
    for width in WIDTHS:
        resize(page, width)
        page.wait_for_function(f"{TOO_WIDE} <= 0", timeout=MOST_TO_FIT)
        if width in (WIDE, PHONE):
            assert violations(page) == [], width


def test_no_empty_page_has_a_violation(portal: Portal, visit: Visit) -> None:
    nemo = portal.person("nemo", role="admin")
    portal.put_in_charge(nemo)
    page = visit(nemo, "/user/dashboard")
    for route in PAGES:
        go(page, portal.url + address(route))
        assert violations_at_both_widths(page) == [], route


@pytest.mark.parametrize("route", ROUTES_OF_WINDOWS)
def test_no_dialog_or_menu_of_a_page_has_a_violation(busy: Person, portal: Portal, visit: Visit, route: str) -> None:
    page = visit(busy, address(route))
    settle(page)
    for name, window in windows_of(route).items():
        opened = window.open(page)
        assert violations(page, ".q-dialog, .q-menu") == [], name
        window.close(page)
        expect(opened).to_have_count(0)


def test_no_form_or_error_has_a_violation(busy: Person, portal: Portal, mailing: Portal, visit: Visit) -> None:
    page = visit(None, "/user/login")
    for place in (*form_addresses(page, mailing), portal.url + ERRORS[404]):
        page.goto(place)
        assert violations_at_both_widths(page) == [], place
    page = visit(busy, "/user/dashboard")
    for place in ERRORS.values():
        page.goto(portal.url + place)
        assert violations_at_both_widths(page) == [], place


def test_the_page_of_a_bug_has_no_violation(portal: Portal, visit: Visit) -> None:
    page = visit(None, "/user/login")
    broken = {"type": "http", "method": "GET", "path": "/user/broken", "query_string": b"", "headers": []}
    answer = bytes(draw_error(Request(broken), RuntimeError("a bug")).body)
    page.route("**/user/broken", lambda route: route.fulfill(body=answer, content_type="text/html"))
    page.goto(portal.url + "/user/broken")
    assert violations_at_both_widths(page) == []


def test_a_page_that_waits_for_a_file_has_no_violation(busy: Person, visit: Visit) -> None:
    page = visit(busy, "/user/profile")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/held", hold)
    page.evaluate("const ask = new XMLHttpRequest(); ask.open('GET', '/held'); ask.send()")
    settle(page)
    assert violations(page) == []
    held[0].fulfill()


def test_everything_can_be_reached_by_keyboard(busy: Person, visit: Visit) -> None:
    page = visit(busy, "/user/dashboard")
    settle(page)
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel || ''").strip()
        )
        if "Manage keys" in reached[-1]:
            break
    assert reached[0] == "Skip to content"
    for wanted in ("Dashboard", "Billing", "Usage History", "API Keys", "Profile"):
        assert wanted in reached
    assert any("Manage keys" in text for text in reached), reached


def violations_at_both_widths(page: Page) -> list[str]:
    """Return the violations on an open page, in a wide window and on a phone."""
    found = []
    for width in (WIDE, PHONE):
        resize(page, width)
        found += violations(page)
    return found


def resize(page: Page, width: int) -> None:
    """Change the width of the window, and wait until the layout has changed."""
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_timeout(200)
