"""Organisation Usage: what an administrator sees, filters and follows."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Person, Portal

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_usage_is_grouped_and_adds_up(portal: Portal, visit: Visit, busy: Person, width: int, scheme: str) -> None:
    page = visit(busy, "/admin/usage?by=account", width=width, scheme=scheme)
    table, total = page.get_by_test_id("org-usage-table"), page.get_by_test_id("org-usage-total")
    expect(table).to_contain_text("bertha")
    expect(page.get_by_test_id("org-usage-chart").locator(".barlayer .point").first).to_be_attached()
    whole = total.inner_text()
    assert not violations(page), violations(page)
    if width == PHONE:
        page.get_by_role("button", name="Filters").click()
    page.get_by_role("combobox", name="Group by").click()
    page.get_by_role("option", name="Mode", exact=True).click()
    expect(table).to_contain_text("moe_orchestrated")
    expect(page).to_have_url(f"{portal.url}/admin/usage?by=mode")
    assert total.inner_text() == whole
    page.get_by_test_id("show-cost").click()
    expect(page).to_have_url(f"{portal.url}/admin/usage?by=mode&show=cost")


def test_range_without_usage_is_explained(visit: Visit, busy: Person) -> None:
    page = visit(busy, "/admin/usage?from=2001-01-01&to=2001-01-31")
    expect(page.get_by_role("heading", name="No usage in this range").first).to_be_visible()
    expect(page.get_by_test_id("org-usage-table")).to_be_hidden()
    assert not violations(page), violations(page)
