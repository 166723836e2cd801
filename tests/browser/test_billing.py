"""Billing: the sums, and the settings of alerts."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import httpx
import pytest
from playwright.sync_api import Page, expect

from portal.actions.spending.prices import enter_model_price
from portal.rules.spending.budgets import BudgetType, Limits
from portal.rules.spending.prices import Rates
from tests.browser.conftest import PHONE, WIDE, Portal, unconnected
from tests.cast import OPERATOR

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_alerts_are_saved_and_typed_values_survive_refreshes(
    portal: Portal, visit: Visit, width: int, scheme: str
) -> None:
    person = portal.person(f"alma-{width}")
    page = visit(person, "/user/billing", width=width, scheme=scheme)
    form = page.get_by_test_id("alerts-form")
    form.get_by_label("Threshold", exact=True).fill("6")
    portal.report(person)
    expect(page.get_by_test_id("summary-tokens")).to_contain_text("1,200")
    expect(form.get_by_label("Threshold", exact=True)).to_have_value("6")
    form.get_by_label("Threshold", exact=True).fill("65")
    form.get_by_role("switch", name="Enable alerts").click()
    form.get_by_label("Alert email").fill("not an address")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("does not look like an email address")
    form.get_by_label("Alert email").fill("team@example.org")
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("saved")
    settings = httpx.get(f"{portal.url}/user/alerts", headers={"Cookie": f"portal_session={person.session}"}).json()
    assert settings == {"enabled": True, "threshold_percent": 65, "email": "team@example.org"}


def test_a_threshold_typed_before_the_page_is_connected_stays(portal: Portal, visit: Visit) -> None:
    person = portal.person("quick")
    page = visit(person, "/user/profile")
    with unconnected(page, f"{portal.url}/user/billing"):
        page.get_by_label("Threshold", exact=True).fill("6")
    portal.report(person)
    expect(page.get_by_test_id("summary-tokens")).to_contain_text("1,200")
    expect(page.get_by_label("Threshold", exact=True)).to_have_value("6")


def test_every_model_has_its_row_and_the_total_is_their_sum(portal: Portal, visit: Visit) -> None:
    person = portal.person("mo", limits=Limits(total=50_000, type=BudgetType.ONE_TIME))
    portal.report(
        person, *({"model": f"model-{n:02}", "prompt_tokens": 100 * n, "completion_tokens": 0} for n in range(1, 26))
    )
    page = visit(person, "/user/billing")
    table = page.get_by_test_id("model-table")
    expect(table.locator("tbody tr", has_text="model-")).to_have_count(25)
    expect(table.locator("tr", has_text="Total")).to_contain_text("32,500")
    expect(table.locator("tr", has_text="Total")).to_contain_text("€0.65")
    budget = page.get_by_test_id("budget-table").locator("tbody tr")
    expect(budget).to_have_count(3)
    expect(budget.nth(0)).to_contain_text("∞")
    expect(budget.nth(2)).to_contain_text("One-time")
    expect(budget.nth(2)).to_contain_text("65.0")
    table.locator("tr", has_text="model-25").get_by_role("link").click()
    page.wait_for_url("**/user/usage?**")
    expect(page.get_by_test_id("usage-totals")).to_contain_text("2,500")


def test_each_row_says_which_prices_made_its_cost(portal: Portal, visit: Visit) -> None:
    person, now = portal.person("howie"), datetime.now(UTC)
    rates = Rates(Decimal("2.5"), Decimal(10), Decimal("1.25"))
    portal.report(person, {"model": "howto-1"})
    portal.run(enter_model_price, OPERATOR, "howto*", rates, now, now)
    portal.report(person, {"model": "howto-1", "cached_tokens": 400, "cost_factor": "1.5"})
    page = visit(person, "/user/billing")
    page.get_by_role("button", name="How the cost of howto-1, native, is computed").click()
    parts = page.get_by_role("dialog").get_by_test_id("cost-parts")
    expect(parts.get_by_role("row", name="General price")).to_contain_text("1,200 billable × €0.00002")
    row = parts.get_by_role("row", name="howto*")
    for text in ("600 prompt × €2.50", "400 cached × €1.25", "200 completion × €10.00", "factor 1.5", "€0.006"):
        expect(row).to_contain_text(text)
    expect(parts.get_by_role("row", name="Total")).to_contain_text("€0.03")
