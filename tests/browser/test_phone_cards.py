"""Tables and dialogs on a phone: rows are cards with aligned figures, and the buttons of dialogs are in view."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.browser.conftest import LONG_MODE, PHONE, Person, Portal
from tests.browser.places import go

Visit = Callable[..., Page]

SMALL_PHONE = 320
CUT = """texts => texts.filter(text => {
    const [part, all] = [text.getBoundingClientRect(), document.createRange()];
    all.selectNodeContents(text);
    const box = text.closest("tr").getBoundingClientRect();
    const lines = [...all.getClientRects()], end = Math.min(part.right, box.right) + 1;
    return !lines.length || lines.some(line => line.right > end || line.left < box.left);
}).map(text => text.innerText)"""
"""Texts with a part outside of their own box or of their row."""


@pytest.mark.parametrize("width", [PHONE, SMALL_PHONE])
@pytest.mark.parametrize("path", ["/user/usage", "/user/billing"])
def test_a_mode_is_never_a_colour_without_its_words(
    portal: Portal, wordy: Person, visit: Visit, path: str, width: int
) -> None:
    page = visit(wordy, "/user/dashboard", width=width)
    go(page, portal.url + path)
    modes = page.locator("td .mp-mode > *")
    assert LONG_MODE in modes.all_inner_texts()
    assert modes.evaluate_all(CUT) == []


@pytest.mark.parametrize("width", [PHONE, SMALL_PHONE])
def test_totals_are_aligned_with_and_without_errors(portal: Portal, wordy: Person, visit: Visit, width: int) -> None:
    page = visit(wordy, "/user/dashboard", width=width)
    go(page, portal.url + "/user/usage")
    edges = page.locator(".u-total .strong").evaluate_all("all => all.map(e => e.getBoundingClientRect().right)")
    assert len(edges) == 5
    assert max(edges) - min(edges) < 1
    beside = page.locator("tbody tr").evaluate_all(
        """rows => rows.map(row => {
            const top = part => row.querySelector(part).getBoundingClientRect().top;
            return Math.abs(top(".u-total .mp-cell2") - top(".u-model .mp-cell2"));
        })"""
    )
    assert max(beside) < 1, "each total is on the line of its model"
    words = page.locator("td .mp-badge--crit")
    assert words.evaluate_all(CUT) == []


@pytest.mark.parametrize("width", [PHONE, SMALL_PHONE])
def test_german_buttons_stay_inside_their_dialog(portal: Portal, visit: Visit, width: int) -> None:
    person = portal.person(f"gerda-{width}")
    portal.run(lambda session: setattr(session.get(Account, person.account.id), "language", "de"))
    page = visit(person, "/user/keys", width=width)
    page.get_by_role("button", name="widerrufen").click()
    foot = page.locator(".mp-dialog__foot:visible")
    room = foot.evaluate("e => e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft)")
    assert min(foot.get_by_role("button").evaluate_all("all => all.map(e => e.getBoundingClientRect().left)")) >= room


def test_last_button_of_a_long_dialog_is_in_view(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("greta"), "/user/keys?create=1", width=PHONE)
    page.set_viewport_size({"width": PHONE, "height": 600})
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Label").fill("night")
    page.keyboard.press("Enter")
    dialog.get_by_role("button", name="OpenTelemetry").click()
    body = dialog.locator(".mp-dialog:visible")
    assert body.evaluate("e => e.scrollHeight > e.clientHeight"), "its snippets are longer than the screen"
    box = dialog.get_by_role("button", name="I have copied it").bounding_box()
    frame = body.bounding_box()
    assert box is not None
    assert frame is not None
    assert box["y"] + box["height"] <= frame["y"] + frame["height"]


@pytest.mark.parametrize("width", [PHONE, SMALL_PHONE])
def test_german_figures_do_not_overlap(portal: Portal, visit: Visit, width: int) -> None:
    person = portal.person(f"gundula-{width}", limits=Limits(daily=12_000_000_000_000, monthly=2_000_000_000))
    portal.run(lambda session: setattr(session.get(Account, person.account.id), "language", "de"))
    page = visit(person, "/user/billing", width=width)
    figures = page.locator(".mp-table--budget tbody").locator(".b-left, .b-reset")
    assert figures.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.innerText)") == []
    go(page, f"{portal.url}/user/dashboard")
    card = page.locator(".mp-facts").first
    assert card.evaluate("e => e.scrollWidth <= e.clientWidth")
