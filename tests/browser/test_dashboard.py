"""The open dashboard while a gateway reports."""

import re
from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from portal.rules.spending.budgets import Limits
from tests.browser.conftest import Portal

Visit = Callable[..., Page]


def consumed(page: Page, period: str) -> str:
    return page.get_by_test_id(f"budget-card-{period}").get_by_test_id("consumed").inner_text()


def test_reported_event_changes_all_figures_without_a_reload(portal: Portal, visit: Visit) -> None:
    alice = portal.person("tia", limits=Limits(daily=10_000, monthly=100_000))
    page = visit(alice, "/user/dashboard")
    expect(page.get_by_test_id("budget-card-daily").get_by_test_id("consumed")).to_have_text("0")
    page.evaluate("window.neverReloaded = true")

    portal.report(alice, {"prompt_tokens": 6000, "completion_tokens": 1400, "cost_factor": "1.25"})

    card = page.get_by_test_id("budget-card-daily")
    expect(card.get_by_test_id("consumed")).to_have_text("9,250")
    expect(card.get_by_test_id("percent")).to_have_text("92.5\u00a0%")
    expect(card.get_by_test_id("progress")).to_have_attribute("data-level", "critical")
    expect(card.get_by_test_id("progress")).to_have_attribute("aria-valuenow", "92.5")
    expect(card).to_contain_text("Critical")
    expect(card).to_contain_text("7,400 raw")
    expect(card).to_contain_text("€0.19")
    last_bar = page.get_by_test_id("usage-chart-data").locator("tbody tr").last
    expect(last_bar.locator("td")).to_have_text("9,250")
    assert page.evaluate("window.neverReloaded") is True

    cookie = {"Cookie": f"portal_session={alice.session}"}
    budget = httpx.get(f"{portal.url}/user/api/budget", headers=cookie).json()
    summary = httpx.get(f"{portal.url}/user/api/summary", headers=cookie).json()
    usage = httpx.get(f"{portal.url}/user/api/usage", headers=cookie).json()
    assert budget["daily_used"] == budget["monthly_used"] == budget["total_used"] == 9250
    assert summary["daily"][-1]["tokens"] == summary["by_model"][0]["tokens"] == usage["totals"]["tokens"] == 9250
    assert budget["daily_cost_eur"] == summary["total"]["cost_eur"] == usage["items"][0]["cost_eur"] == "0.185"


def test_a_refresh_changes_values_in_place(portal: Portal, visit: Visit) -> None:
    person = portal.person("ines", limits=Limits(daily=100_000))
    portal.report(person)
    page = visit(person, "/user/dashboard")
    expect(page.get_by_test_id("budget-card-daily").get_by_test_id("consumed")).to_have_text("1,200")
    page.wait_for_selector(".js-plotly-plot .points .point")
    page.evaluate(
        """() => {
            window.kept = ['[data-testid=budget-card-daily] [data-testid=consumed]', '.js-plotly-plot .main-svg',
                '[data-testid=progress]', '[data-testid=usage-chart-data] tbody tr:last-child td']
                .map((selector) => document.querySelector(selector));
        }"""
    )
    link = page.get_by_role("link", name="Manage keys")
    link.focus()
    page.evaluate("window.scrollTo(0, 120)")

    portal.report(person)

    expect(page.get_by_test_id("budget-card-daily").get_by_test_id("consumed")).to_have_text("2,400")
    assert page.evaluate("window.kept.every((node) => node.isConnected)")
    assert page.evaluate("window.scrollY") == 120
    expect(link).to_be_focused()
    expect(page.locator(".js-plotly-plot .trace:first-child .point")).to_have_count(14)


def test_hidden_tab_is_refreshed_only_when_it_is_shown(portal: Portal, visit: Visit) -> None:
    person = portal.person("hidda")
    page = visit(person, "/user/dashboard")
    expect(page.get_by_test_id("budget-card-total").get_by_test_id("consumed")).to_have_text("0")
    turn_away(page, hidden=True)
    page.wait_for_timeout(300)
    portal.report(person)
    page.wait_for_timeout(2500)  # more than two ticks; nothing may happen
    assert consumed(page, "total") == "0"

    turn_away(page, hidden=False)

    expect(page.get_by_test_id("budget-card-total").get_by_test_id("consumed")).to_have_text("1,200")


def turn_away(page: Page, *, hidden: bool) -> None:
    """Tell a page that its tab is in the background, as browsers do."""
    page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, 'hidden', {configurable: true, get: () => hidden});
            document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_a_lost_connection_says_so_and_recovers_by_itself(portal: Portal, visit: Visit) -> None:
    person = portal.person("lois")
    page = visit(person, "/user/dashboard")
    expect(page.get_by_test_id("updated-at")).to_contain_text("Updated")
    portal.stop()
    try:
        expect(page.locator("#offline")).to_be_visible()
        expect(page.locator("#offline")).to_contain_text("No connection to the portal. Figures are as of")
        expect(page.get_by_test_id("budget-card-total").get_by_test_id("consumed")).to_have_text("0")
    finally:
        portal.start()
    portal.report(person)
    expect(page.locator("#offline")).to_be_hidden(timeout=20_000)
    expect(page.get_by_test_id("budget-card-total").get_by_test_id("consumed")).to_have_text("1,200", timeout=20_000)


def test_every_figure_leads_to_exactly_its_requests(portal: Portal, visit: Visit) -> None:
    person = portal.person("dora", zone="Asia/Tokyo")
    portal.report(person, {"cost_factor": "1.5"}, {}, {"status": "504 timeout", "completion_tokens": 0})
    page = visit(person, "/user/dashboard", zone="Asia/Tokyo")
    card = page.get_by_test_id("budget-card-daily").get_by_test_id("consumed")
    expect(card).to_have_text("4,000")
    card.click()
    page.wait_for_url("**/user/usage?**")
    expect(page.get_by_test_id("usage-totals")).to_contain_text("4,000")
    expect(page.get_by_test_id("usage-table").locator("tbody tr")).to_have_count(3)


def test_the_menu_unfolds_on_a_phone_and_leads_on(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("fonzo"), "/user/dashboard", width=390)
    expect(page.get_by_role("link", name="Billing")).not_to_be_in_viewport()
    page.get_by_role("button", name="Open menu").click()
    page.get_by_role("link", name="Billing").click()
    page.wait_for_url("**/user/billing")
    expect(page.get_by_role("heading", level=1)).to_have_text("Billing")


def test_the_theme_can_be_switched_and_stays(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("themis"), "/user/dashboard")
    page.get_by_test_id("account-menu").click()
    page.get_by_role("menuitemradio", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_chart_without_requests_shows_a_message(portal: Portal, visit: Visit) -> None:
    person = portal.person("nullo")
    page = visit(person, "/user/dashboard")
    chart = page.get_by_test_id("usage-chart")
    expect(chart.get_by_role("heading", name="No requests in these 14 days")).to_be_visible()
    expect(chart.locator(".mp-plot")).to_be_hidden()
    expect(chart).to_contain_text("0 requests")
    expect(chart.get_by_role("link")).to_have_count(0)
    expect(page.get_by_test_id("usage-chart-data").locator("tbody td")).to_have_text(["0"] * 14)

    portal.report(person)

    expect(chart.locator(".mp-plot")).to_be_visible()
    expect(chart.get_by_role("heading", name="No requests in these 14 days")).to_be_hidden()
    expect(chart.get_by_role("link", name="1 request")).to_be_visible()


def test_banner_above_the_cards_names_a_used_up_budget(portal: Portal, visit: Visit) -> None:
    person = portal.person("prodiga", limits=Limits(daily=2000, total=3000))
    portal.report(person)
    page = visit(person, "/user/dashboard")
    banner = page.get_by_test_id("budget-banner")
    expect(page.get_by_test_id("budget-card-daily").get_by_test_id("consumed")).to_have_text("1,200")
    expect(banner).to_be_hidden()

    portal.report(person)

    expect(banner).to_contain_text(
        re.compile(
            r"Today’s budget was used up at \d\d:\d\d\. Gateways may refuse new requests until midnight UTC \(in "
        )
    )
    expect(banner.get_by_role("link", name="See what used it up")).to_have_attribute("href", re.compile("budget_from="))
    expect(banner).to_have_role("status")

    portal.report(person)

    expect(banner).to_have_text(
        re.compile(
            r"Your total budget was used up at \d\d:\d\d\. Gateways may refuse new requests until an administrator "
            r"raises it\. Ask your administrator for a higher limit\."
        )
    )


def test_skip_link_takes_no_room_on_a_phone(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("springer"), "/user/dashboard", width=390)
    bar, heading = page.locator(".mp-topbar").bounding_box(), page.get_by_role("heading", level=1).bounding_box()
    assert bar is not None
    assert heading is not None
    assert heading["y"] - bar["y"] - bar["height"] < 24


def test_open_menu_of_a_phone_keeps_and_returns_the_focus(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("foca"), "/user/dashboard", width=390)
    opener, closer = page.get_by_role("button", name="Open menu"), page.get_by_role("button", name="Close menu")
    behind = "[...document.querySelectorAll('.mp-topbar, .q-page-container')].map((element) => element.inert)"
    opener.click()
    expect(closer).to_be_focused()
    assert page.evaluate(behind) == [True, True]

    page.keyboard.press("Escape")

    expect(opener).to_be_focused()
    expect(page.get_by_role("link", name="Billing")).not_to_be_in_viewport()
    assert page.evaluate(behind) == [False, False]
    page.keyboard.press("Enter")
    expect(closer).to_be_focused()
    page.keyboard.press("Enter")
    expect(opener).to_be_focused()


def test_arrow_keys_move_in_a_menu_from_what_is_chosen(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("sagitta"), "/user/dashboard")
    page.get_by_test_id("account-menu").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("menuitemradio", name="Follow the system")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitemradio", name="Light")).to_be_focused()
    page.keyboard.press("End")
    expect(page.get_by_role("menuitem", name="Sign out")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("menuitemradio", name="Follow the system")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("account-menu")).to_be_focused()


def test_cards_name_their_day_if_it_may_not_be_the_viewers(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("tempora", zone="Asia/Tokyo"), "/user/dashboard", zone="Asia/Tokyo")
    card = page.get_by_test_id("budget-card-daily")
    expect(card.get_by_role("heading")).to_have_text("Today")
    expect(card.locator(".mp-budget__when")).to_have_text(re.compile(r"^\w{3} \d+ \w+, UTC$"))
    expect(page.get_by_test_id("budget-card-monthly").locator(".mp-budget__when")).to_have_text(
        re.compile(r"^\w+, UTC$")
    )
