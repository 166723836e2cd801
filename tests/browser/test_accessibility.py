"""No violation of WCAG 2.1 A or AA that axe can find, and nothing wider than the window, on any page."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, WIDE, Person, Portal

Visit = Callable[..., Page]

PAGES = {
    "/user/dashboard": "Dashboard",
    "/user/billing": "Billing",
    "/user/usage": "Usage History",
    "/user/keys": "API Keys",
    "/user/profile": "Profile",
}
RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}, "preload": False}
"""Without `preload` axe loads no style sheets, during which the page would show a bar that axe complains of."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_no_page_has_a_violation(busy: Person, portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    page = visit(busy, "/user/dashboard", width=width, scheme=scheme)
    for path, name in PAGES.items():
        go(page, portal.url + path)
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        expect(page).to_have_title(f"{name} · MoE Portal")
        assert violations(page) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_empty_page_has_a_violation(portal: Portal, visit: Visit, scheme: str) -> None:
    page = visit(portal.person(f"nemo-{scheme}"), "/user/dashboard", scheme=scheme)
    for path in PAGES:
        go(page, portal.url + path)
        assert violations(page) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_the_sign_in_form_has_no_violation(visit: Visit, width: int, scheme: str) -> None:
    page = visit(None, "/user/login", width=width, scheme=scheme)
    assert violations(page) == []


def test_no_page_is_wider_than_the_window(busy: Person, portal: Portal, visit: Visit) -> None:
    page = visit(busy, "/user/dashboard")
    for path in PAGES:
        page.set_viewport_size({"width": WIDE, "height": 900})
        go(page, portal.url + path)
        for width in (1440, 1250, 1024, 768, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_timeout(200)  # the layout answers to the new width
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{path} is {wide} px too wide for {width}"


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


def go(page: Page, url: str) -> None:
    """Open a page in a window that has its scripts already."""
    page.goto(url)
    page.wait_for_function("window.did_handshake === true")
    settle(page)


def settle(page: Page) -> None:
    """Wait until the figures are there."""
    page.wait_for_function("document.querySelectorAll('.mp-skel').length === 0")
    page.wait_for_timeout(250)


def violations(page: Page) -> list[str]:
    """Return what axe finds, a line each."""
    found = Axe().run(page, options=RULES).response["violations"]
    return [f"{v['id']}: {node['html'][:160]} {node['failureSummary'][:200]}" for v in found for node in v["nodes"][:3]]
