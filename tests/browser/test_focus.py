"""With the keyboard alone, every control can be reached and left, and shows that it has the focus."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, WIDE, Person, Portal
from tests.browser.places import ERRORS, PAGES, ROUTES_OF_WINDOWS, address, form_addresses, go, windows_of

Visit = Callable[..., Page]

RINGS = Path(__file__).parent / "scripts" / "rings.js"
"""Checks the ring of each element with the focus: 2 px wide, contrast 3:1, not on letters, not cut or covered."""
_AT_A_TIME = 8
_MOST_TABS = 400


@pytest.fixture
def page(busy: Person, visit: Visit) -> Page:
    """A window that records every element that gets the focus."""
    opened = visit(busy, "/user/dashboard")
    opened.add_init_script(path=RINGS)
    return opened


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_each_control_of_each_page_shows_that_it_has_the_focus(page: Page, portal: Portal, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    for route in PAGES:
        go(page, portal.url + address(route))
        tab_through(page)
        assert page.evaluate("complaints") == [], route


def test_each_control_of_forms_and_errors_shows_the_focus(page: Page, portal: Portal, mailing: Portal) -> None:
    errors = [portal.url + path for path in ERRORS.values()]
    for place in (*form_addresses(page, mailing), *errors):
        page.goto(place)
        tab_through(page)
        assert page.evaluate("complaints") == [], place


def test_the_menu_of_a_phone_and_its_filters_show_the_focus(page: Page, portal: Portal) -> None:
    page.set_viewport_size({"width": PHONE, "height": 900})
    go(page, portal.url + "/user/usage")
    page.get_by_role("button", name=re.compile("^Filters")).press("Enter")
    tab_through(page)
    page.get_by_role("button", name="Open menu").press("Enter")
    expect(page.get_by_role("button", name="Close menu")).to_be_focused()
    page.wait_for_function("() => document.querySelector('.q-drawer').getBoundingClientRect().left === 0")
    tab_through(page)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Open menu")).to_be_focused()
    assert page.evaluate("complaints") == []


@pytest.mark.parametrize("route", ROUTES_OF_WINDOWS)
def test_windows_keep_the_focus_and_give_it_back(page: Page, portal: Portal, route: str) -> None:
    go(page, portal.url + address(route))
    for name, window in windows_of(route).items():
        opener = window.opener(page)
        opened = window.open(page)
        tab_through(page, opened)
        page.keyboard.press("Tab")
        expect(page.locator(".q-layout :focus")).to_have_count(0)
        assert page.evaluate("complaints") == [], name
        window.close(page)
        expect(opened).to_have_count(0)
        expect(opener).to_be_focused()


def tab_through(page: Page, place: Locator | None = None) -> None:
    """Press Tab until each control has had the focus; fails when one never gets it."""
    within = place.element_handle() if place else None
    for _ in range(_MOST_TABS // _AT_A_TIME):
        for _ in range(_AT_A_TIME):
            page.keyboard.press("Tab")
        if not page.evaluate("place => unreached(place)", within):
            return
    assert page.evaluate("place => unreached(place)", within) == []
