"""Budget Requests: an administrator decides, and the person gets the answer."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from portal.actions.people.teams import move_account
from portal.actions.spending.budget_requests import ask_for_more
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Person, Portal
from tests.cast import OPERATOR, acting

Visit = Callable[..., Page]


def ask(portal: Portal, person: Person, period: Period, tokens: int, reason: str) -> None:
    portal.run(ask_for_more, acting(person.account), period, tokens, reason, datetime.now(UTC))


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_requests_are_decided(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    name = f"needy{width}"
    admin, person = portal.person(f"giver{width}", role="admin"), portal.person(name, limits=Limits(1000, 20_000))
    page = visit(admin, f"/admin/requests?search={name}", width=width, scheme=scheme)
    table, count = page.get_by_test_id("requests-table"), page.get_by_test_id("open-requests")
    expect(page.get_by_test_id("list-empty")).to_contain_text("Nothing matches")
    ask(portal, person, Period.MONTHLY, 5000, "<b>A thesis</b>")
    expect(table).to_contain_text("<b>A thesis</b>")  # without a reload
    ask(portal, person, Period.DAILY, 300, "A long day")
    expect(table.locator("tbody tr")).to_have_count(2)
    before = int(count.inner_text()) if width == WIDE else 0
    assert violations(page) == []

    buttons = page.get_by_role("button", name=f"Decide the request of {name.title()}")
    buttons.first.click()
    dialog = page.get_by_role("dialog", name="Decide a request")
    expect(dialog).to_contain_text("A long day")
    expect(dialog).to_contain_text("0 of 1,000 (0.0\u00a0%)")
    expect(dialog).to_contain_text("The limit becomes 1,300.")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Decline").click()
    expect(dialog).to_contain_text("The answer must not be empty.")
    dialog.get_by_role("textbox", name="Answer").fill("Tomorrow is another day")
    dialog.get_by_role("button", name="Decline").click()
    expect(page.get_by_text(f"The request of {name.title()} was declined.")).to_be_visible()
    expect(table.locator("tbody tr")).to_have_count(1)

    buttons.first.click()
    dialog.get_by_role("textbox", name="Extra billable tokens").fill("7,000")
    expect(dialog).to_contain_text("The limit becomes 27,000.")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"{name.title()} gets 7,000 more tokens.")).to_be_visible()
    expect(dialog).to_have_count(0)
    if width == WIDE:
        expect(count).to_have_text(str(before - 2))

    page.goto(f"{portal.url}/admin/requests?search={name}&state=decided")
    expect(table).to_contain_text("7,000 until")
    expect(table).to_contain_text("Tomorrow is another day")
    assert violations(page) == []

    own = visit(person, "/user/dashboard", width=width)
    expect(own.get_by_test_id("budget-card-monthly")).to_contain_text("7,000 extra")
    own.get_by_role("button", name="Messages").click()
    expect(own.get_by_role("menu")).to_contain_text("Tomorrow is another day")


def test_a_manager_decides_for_the_own_team(portal: Portal, visit: Visit) -> None:
    manager, member, other = (portal.person(name, limits=Limits(1000)) for name in ("lea", "noah", "stranger"))
    portal.put_in_charge(manager)
    portal.run(move_account, OPERATOR, member.account.id, portal.team_id, datetime.now(UTC))
    ask(portal, member, Period.DAILY, 300, "A long day")
    ask(portal, other, Period.DAILY, 400, "A longer day")
    page = visit(manager, "/team", width=WIDE)
    expect(page.get_by_test_id("open-requests")).to_have_text("1")
    page.get_by_role("link", name="Team Requests").click()
    table = page.get_by_test_id("requests-table")
    expect(table.locator("tbody tr")).to_have_count(1)
    expect(table).to_contain_text("A long day")
    expect(page.get_by_role("button", name="Export")).to_have_count(0)
    page.get_by_role("button", name="Decide the request of Noah").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Daily budget of the team")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Noah gets 300 more tokens.")).to_be_visible()
    expect(page.get_by_test_id("list-empty")).to_contain_text("No request waits")
    expect(page.get_by_test_id("open-requests")).to_be_hidden()
    assert violations(page) == []
