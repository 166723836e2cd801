"""On a phone every control is at least 44 pixels wide and high, as WCAG 2.5.5 demands."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, Person, Portal
from tests.browser.places import ERRORS, PAGES, address, form_addresses, go, settle, windows_of

Visit = Callable[..., Page]

TARGETS = Path(__file__).parent / "scripts" / "targets.js"
"""Measures the area in which each control reacts. Links within sentences are left out."""


@pytest.fixture
def page(busy: Person, visit: Visit) -> Page:
    """A phone on which every control is measured."""
    opened = visit(busy, "/user/dashboard", width=PHONE)
    opened.add_init_script(path=TARGETS)
    return opened


@pytest.mark.parametrize("route", PAGES)
def test_each_control_of_a_page_and_its_windows_is_large(page: Page, portal: Portal, route: str) -> None:
    go(page, portal.url + address(route))
    assert page.evaluate("small()") == []
    for name, window in windows_of(route).items():
        opened = window.open(page)
        settle(page)
        assert page.evaluate("small()") == [], name
        window.close(page)
        expect(opened).to_have_count(0)


def test_each_control_of_forms_and_errors_is_large_enough(page: Page, portal: Portal, mailing: Portal) -> None:
    errors = [portal.url + path for path in ERRORS.values()]
    for place in (*form_addresses(page, mailing), *errors):
        page.goto(place)
        assert page.evaluate("small()") == [], place


@pytest.mark.parametrize("path", ["/user/dashboard", "/user/billing", "/user/usage", "/user/keys"])
def test_each_name_that_shows_itself_whole_is_large_enough(
    portal: Portal, wordy: Person, visit: Visit, path: str
) -> None:
    page = visit(wordy, "/user/dashboard", width=PHONE)
    page.add_init_script(path=TARGETS)
    go(page, portal.url + path)
    expect(page.locator("mp-name[role=button]")).not_to_have_count(0)
    assert page.evaluate("small()") == []


def test_filters_their_options_and_the_menu_are_large_enough(page: Page, portal: Portal) -> None:
    go(page, portal.url + "/user/usage?model=qwen3-coder:30b&mode=native&token_name=nobody")
    page.get_by_role("button", name=re.compile("^Filters")).click()
    settle(page)
    assert page.evaluate("small()") == []
    page.get_by_role("combobox", name="Mode").click()
    page.get_by_role("option", name="native").wait_for()
    settle(page)
    assert page.evaluate("small()") == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Open menu").click()
    page.wait_for_function("() => document.querySelector('.q-drawer').getBoundingClientRect().left === 0")
    assert page.evaluate("small()") == []
