"""Messages: the bell on open pages, the banner of the dashboard, and the thresholds on Billing."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal
from tests.browser.places import go, settle

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_the_bell_rings_on_an_open_page_and_is_seen_once(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    person = portal.person(f"bella-{width}", limits=Limits(daily=10_000))
    page = visit(person, "/user/dashboard", width=width, scheme=scheme)
    bell = page.get_by_test_id("bell")
    expect(bell).to_have_accessible_name("Messages")
    portal.report(person, {"prompt_tokens": 8_500, "completion_tokens": 0})
    expect(bell).to_have_accessible_name("Messages, 1 unread")
    portal.report(person, {"prompt_tokens": 2_000, "completion_tokens": 0})
    expect(bell).to_have_accessible_name("Messages, 2 unread")
    expect(page.get_by_text("Today’s budget was used up at")).to_be_visible()
    bell.click()
    expect(page.get_by_test_id("bell-list")).to_contain_text("Daily budget used up")
    expect(page.get_by_test_id("bell-list")).to_contain_text("Daily budget passed 80 %")
    settle(page)
    assert violations(page) == []
    box = page.get_by_role("menu").bounding_box()
    assert box is not None
    assert box["x"] >= 12
    assert box["x"] + box["width"] <= width - 12
    expect(bell).to_have_accessible_name("Messages")
    go(page, f"{portal.url}/user/keys")
    expect(bell).to_have_accessible_name("Messages")


def test_billing_stores_thresholds_and_lists_past_alerts(portal: Portal, visit: Visit) -> None:
    person = portal.person("cora", limits=Limits(daily=10_000))
    portal.report(person, {"prompt_tokens": 6_000, "completion_tokens": 0})
    page = visit(person, "/user/billing")
    page.get_by_role("switch", name="Enable alerts").click()
    page.get_by_role("switch", name="Warn ahead").click()
    page.get_by_label("Threshold", exact=True).fill("90")
    page.get_by_label("Second threshold").fill("50")
    page.get_by_role("button", name="Save alerts").click()
    expect(page.get_by_text("Alerts saved.")).to_be_visible()
    expect(page.get_by_test_id("past-alerts")).to_contain_text("Daily budget passed 50 %")
    expect(page.get_by_text("Mail is not set up here.")).to_be_visible()
    expect(page.get_by_role("button", name="Send a test mail")).to_be_disabled()
    page.reload()
    expect(page.get_by_label("Second threshold")).to_have_value("50")
    expect(page.get_by_role("switch", name="Warn ahead")).to_be_checked()
    settle(page)
    assert violations(page) == []
