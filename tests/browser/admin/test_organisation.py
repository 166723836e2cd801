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


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_figures_lead_to_their_requests(visit: Visit, busy: Person, width: int, scheme: str) -> None:
    page = visit(busy, "/admin/usage?by=account", width=width, scheme=scheme)
    row = page.get_by_test_id("org-usage-table").get_by_role("row").filter(has_text="bertha").first
    link = row.get_by_role("cell").get_by_role("link").first
    count = link.inner_text().split()[0]
    link.click()
    expect(page.get_by_role("heading", name="Requests of the Organisation")).to_be_visible()
    expect(page.get_by_test_id("org-requests-totals").locator("dd").first).to_have_text(count)
    expect(page.get_by_test_id("org-requests-table")).to_contain_text("bertha")
    assert not violations(page), violations(page)


def test_monthly_report_is_downloaded(visit: Visit, busy: Person) -> None:
    page = visit(busy, "/admin/usage")
    page.get_by_role("button", name="Report for").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="PDF").click()
    assert download.value.suggested_filename.endswith(".pdf")
