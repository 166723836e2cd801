"""Administrators create teams and change them; managers see their own."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from portal.actions.people.teams import move_account
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal
from tests.cast import OPERATOR

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_a_team_is_created_changed_and_ended(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin, member = portal.person(f"chief-{width}", role="admin"), portal.person(f"mem-{width}")
    name = f"Team {width}"
    page = visit(admin, "/admin/teams", width=width, scheme=scheme)
    page.get_by_role("button", name="New team").click()
    dialog = page.get_by_role("dialog", name="New team")
    dialog.get_by_label("Name").fill("THEORY")
    dialog.get_by_label("Cost centre").fill("K-77")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("There is a team called THEORY already.")
    dialog.get_by_label("Name").fill(name)
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.get_by_test_id("team-details")).to_contain_text("K-77")

    page.get_by_role("button", name="Set budget").click()
    dialog = page.get_by_role("dialog", name="Budget of the team")
    dialog.get_by_label("Daily").fill("2,000")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("budget-card-daily")).to_contain_text("of 2,000 billable")

    page.get_by_role("button", name="Add members").click()
    dialog = page.get_by_role("dialog", name="Add members")
    dialog.get_by_label("Search").fill(f"mem-{width}")
    dialog.get_by_role("button", name=f"Add mem-{width}").click()
    expect(dialog).to_contain_text(f"Mem-{width} has been added.")
    expect(dialog.get_by_label("Search")).to_be_focused()
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
    portal.report(member)
    members = page.get_by_test_id("members-table")
    expect(members).to_contain_text("1,200")
    expect(page.get_by_test_id("budget-card-daily")).to_contain_text("60.0")
    assert violations(page) == []

    page.get_by_role("button", name="Suspend team").click()
    dialog = page.get_by_role("dialog", name="Suspend this team?")
    dialog.get_by_role("button", name="Suspend team").click()
    expect(page.get_by_test_id("team-suspended")).to_be_visible()
    page.get_by_role("button", name="Activate team").click()
    expect(page.get_by_test_id("team-suspended")).to_be_hidden()

    page.get_by_role("button", name="Delete team").click()
    deleting = page.get_by_role("dialog", name="Delete this team?")
    deleting.get_by_role("button", name="Delete team").click()
    expect(deleting).to_contain_text("has members")
    deleting.get_by_role("button", name="Keep team").click()
    members.get_by_role("button", name=f"Remove mem-{width}").click()
    removing = page.get_by_role("dialog", name="Remove this member?")
    removing.get_by_role("button", name="Remove").click()
    expect(members).to_contain_text("Former members")
    expect(members).to_contain_text("1,200")

    portal.run(move_account, OPERATOR, member.account.id, portal.team_id, datetime.now(UTC))
    page.goto(f"{portal.url}/admin/accounts?team=Theory")
    accounts = page.get_by_test_id("accounts-table")
    expect(accounts).to_contain_text(f"mem-{width}")
    expect(accounts).not_to_contain_text(f"chief-{width}")
    expect(page.get_by_test_id("filter-team")).to_contain_text("Theory")

    page.goto(f"{portal.url}/admin/teams?search={width}&sort=-tokens")
    table = page.get_by_test_id("teams-table")
    expect(table.locator("tbody").first).to_contain_text(name)
    expect(table.locator("tbody").first).not_to_contain_text("Theory")
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_a_manager_sees_the_own_team_only(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    manager, other = portal.person(f"lead-{width}"), portal.person(f"plain-{width}")
    page = visit(other, "/user/dashboard", width=width, scheme=scheme)
    expect(page.locator("a[href='/user/keys']").first).to_be_attached()
    expect(page.locator("a[href='/team']")).to_have_count(0)
    page.goto(f"{portal.url}/team")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Team")

    portal.put_in_charge(manager)
    portal.report(manager)
    page = visit(manager, "/team", width=width, scheme=scheme)
    expect(page.get_by_role("heading", level=1)).to_have_text("Team")
    expect(page.get_by_text("Theory · Cost centre K-1")).to_be_visible()
    expect(page.get_by_test_id("members-table")).to_contain_text(f"Lead-{width}")
    for action in ("Remove", "Add members", "Set budget", "Edit"):
        expect(page.get_by_role("button", name=action)).to_have_count(0)
    assert violations(page) == []
    page.goto(f"{portal.url}/team?team=999")
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Team")
