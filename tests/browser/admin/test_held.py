"""Held events are chosen, assigned and dismissed, one by one and all that match."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_held_events_are_settled(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin, mark = portal.person(f"held-{width}", role="admin"), f"m{width}"
    own = [{"id": f"{mark}-{number}", "username": f"<b>{mark}</b>"} for number in range(28)]
    portal.hold(*own)
    page = visit(admin, f"/admin/held?search={mark}", width=width, scheme=scheme)
    table, bar = page.get_by_test_id("held-table"), page.get_by_test_id("bulk-bar")
    expect(table).to_contain_text(f"<b>{mark}</b>")
    expect(bar).to_be_hidden()

    page.get_by_role("button", name="Details of event").first.click()
    expect(page.get_by_role("dialog")).to_contain_text(f'"username": "<b>{mark}</b>"')
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    page.get_by_role("textbox", name="Reason").fill("only a test")
    page.get_by_role("textbox", name="Reason").press("Enter")
    expect(page.get_by_text("1 event was dismissed.")).to_be_visible()
    expect(page.get_by_text("27 events")).to_be_visible()

    boxes = table.locator("tbody").get_by_role("checkbox")
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(bar).to_contain_text("2 events chosen")
    assert violations(page) == []
    bar.get_by_role("button", name="Assign").click()
    field = page.get_by_role("textbox", name="Account")
    field.fill("nobody-here")
    field.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("There is no account called nobody-here.")
    field.fill(f"held-{width}@example.org")
    field.press("Enter")
    expect(page.get_by_text(f"2 events count for held-{width} now.")).to_be_visible()
    expect(bar).to_be_hidden()

    boxes.first.check()
    bar.get_by_role("button", name="Choose this page").click()
    expect(bar).to_contain_text("25 events chosen")
    bar.get_by_role("button", name="Assign").click()
    field.fill(f"held-{width}")
    field.press("Enter")
    expect(page.get_by_text(f"25 events count for held-{width} now.")).to_be_visible()
    expect(page.get_by_test_id("list-empty")).to_contain_text("Nothing matches")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert violations(page) == []


def test_what_was_settled_meanwhile_is_named(portal: Portal, visit: Visit) -> None:
    admin = portal.person("meanwhile", role="admin")
    portal.hold(*({"id": f"race-{number}", "username": "racer"} for number in range(30)))
    page, other = (visit(admin, "/admin/held?search=racer") for _ in range(2))
    for each in (page, other):
        each.get_by_role("checkbox", name="Choose all rows of this page").check()
        each.get_by_role("button", name="Choose all 30 that match").click()
        expect(each.get_by_test_id("bulk-bar")).to_contain_text("30 events chosen")
    other.get_by_role("button", name="Clear").click()
    expect(other.get_by_test_id("bulk-bar")).to_be_hidden()
    other.get_by_role("checkbox", name="Choose all rows of this page").check()
    page.get_by_test_id("bulk-bar").get_by_role("button", name="Dismiss").click()
    other.get_by_test_id("bulk-bar").get_by_role("button", name="Assign").click()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("30 events were dismissed.")).to_be_visible()
    other.get_by_role("textbox", name="Account").fill("meanwhile")
    other.get_by_role("textbox", name="Account").press("Enter")
    dialog = other.get_by_role("dialog", name="Assigning to meanwhile")
    expect(dialog).to_contain_text("0 events count for meanwhile now.")
    expect(dialog.get_by_role("listitem")).to_have_count(25)
    expect(dialog).to_contain_text(re.compile(r"The event held under the number \d+ was settled before."))
    assert violations(other, ".q-dialog") == []
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_have_count(0)
