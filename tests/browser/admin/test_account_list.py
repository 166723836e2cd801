"""Accounts: an administrator chooses rows and changes all of them at once."""

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from portal.actions.people.account_import import import_accounts, read_import
from portal.actions.people.password_resets import LinkDelivery
from portal.actions.people.teams import create_team
from portal.db.people.accounts import account, account_named
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal
from tests.cast import OPERATOR

Visit = Callable[..., Page]


def create_many(portal: Portal, mark: str, count: int) -> None:
    lines = (f"{mark}{number:04},{mark}{number:04}@example.org" for number in range(count))
    file = read_import("\n".join(("username,email", *lines)).encode())
    portal.run(lambda session: import_accounts(session, OPERATOR, file, datetime.now(UTC), links=LinkDelivery.NONE))


def stored(portal: Portal, name: str) -> Account:
    found: Account = portal.run(account_named, name)
    return found


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_chosen_accounts_are_changed(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    mark = f"bulk{width}-"
    create_many(portal, mark, 27)
    portal.run(create_team, OPERATOR, f"Physics {width}", "", datetime.now(UTC))
    admin = portal.person(f"boss{width}", role="admin")
    page = visit(admin, f"/admin/accounts?search={mark}", width=width, scheme=scheme)
    table, bar = page.get_by_test_id("accounts-table"), page.get_by_test_id("bulk-bar")
    dialog, boxes = page.get_by_role("dialog"), table.locator("tbody").get_by_role("checkbox")
    expect(table).to_contain_text(f"{mark}0000")

    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(bar).to_contain_text("2 accounts chosen")
    assert violations(page) == []
    bar.get_by_role("button", name="Set budget").click()
    dialog.get_by_label("Daily budget").fill("x")
    dialog.get_by_role("button", name="Set budget").click()
    expect(dialog.get_by_label("Daily budget")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Daily budget").fill("5,000")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Set budget").click()
    expect(page.get_by_text("2 accounts have this budget now.")).to_be_visible()
    assert portal.run(limits, stored(portal, f"{mark}0001").id) == Limits(daily=5000)

    expect(dialog).to_have_count(0)
    boxes.first.check()
    bar.get_by_role("button", name="Choose this page").click()
    bar.get_by_role("button", name="Choose all 27 that match").click()
    bar.get_by_role("button", name="Move to team").click()
    dialog.get_by_role("combobox", name="Team").fill("phys")
    page.get_by_role("option", name=f"Physics {width}").click()
    dialog.get_by_role("button", name="Move to team").click()
    expect(page.get_by_text(f"27 accounts are in the team Physics {width} now.")).to_be_visible()
    expect(table).to_contain_text(f"Physics {width}")
    assert stored(portal, f"{mark}0026").team_id is not None

    expect(dialog).to_have_count(0)
    boxes.first.check()
    bar.get_by_role("button", name="Suspend").click()
    expect(dialog).to_contain_text("Suspend 1 account?")
    dialog.get_by_role("button", name="Suspend").click()
    expect(page.get_by_text("1 account is suspended now.")).to_be_visible()
    expect(table.locator("tbody tr").first).to_contain_text("Suspended")
    assert violations(page) == []


def test_change_of_many_accounts_is_cancelled(crowded: Portal, visit: Visit) -> None:
    create_many(crowded, "crowd", 1500)
    page = visit(crowded.person("canceller", role="admin"), "/admin/accounts?search=crowd", at=crowded)
    other = visit(crowded.person("bystander"), "/user/dashboard", at=crowded)
    bar, dialog = page.get_by_test_id("bulk-bar"), page.get_by_role("dialog")
    page.get_by_role("checkbox", name="Choose all rows of this page").check()
    bar.get_by_role("button", name="Choose all 1,500 that match").click()
    bar.get_by_role("button", name="Set budget").click()
    dialog.get_by_label("Total budget").fill("77")
    dialog.get_by_role("button", name="Set budget").click()
    expect(dialog.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile("^[1-9]"))
    other.reload()
    expect(other.get_by_role("heading", level=1)).to_have_text("Dashboard")
    dialog.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("accounts have this budget now.")).to_be_visible()
    rows = [stored(crowded, f"crowd{number:04}").id for number in range(1500)]
    changed = [crowded.run(limits, each) == Limits(total=77) for each in rows]
    assert 0 < sum(changed) < 1500
    assert changed == sorted(changed, reverse=True)


def test_accounts_stay_when_the_rights_end(portal: Portal, visit: Visit) -> None:
    admin = portal.person("demoted", role="admin")
    create_many(portal, "lasting", 2)
    page = visit(admin, "/admin/accounts?search=lasting")
    page.get_by_role("checkbox", name="Choose all rows of this page").check()
    page.get_by_test_id("bulk-bar").get_by_role("button", name="Suspend").click()
    portal.run(lambda session: setattr(account(session, admin.account.id), "role", Role.USER.value))
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("dialog")).to_contain_text("You may not do this.")
    assert stored(portal, "lasting0000").active


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_account_is_created_with_a_link(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    portal.run(create_team, OPERATOR, f"Chemistry {width}", "", datetime.now(UTC))
    page = visit(
        portal.person(f"maker{width}", role="admin"), "/admin/accounts?search=marie", width=width, scheme=scheme
    )
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New account").click()
    dialog.get_by_label("Username").fill(f"maker{width}")
    dialog.get_by_label("Email").fill(f"Marie.{width}@example.org")
    dialog.get_by_role("button", name="Create account").click()
    expect(dialog).to_contain_text(f"There is an account called maker{width} already.")
    dialog.get_by_label("Username").fill(f"marie{width}")
    dialog.get_by_role("combobox", name="Team").fill("chem")
    page.get_by_role("option", name=f"Chemistry {width}").click()
    dialog.get_by_role("combobox", name="Budget").click()
    page.get_by_role("option", name="Subscription").click()
    dialog.get_by_label("Monthly budget").fill("1,000,000")
    assert width == PHONE or violations(page, ".q-dialog") == []  # on a phone fields are below the buttons
    dialog.get_by_role("button", name="Create account").click()
    expect(page.get_by_test_id("password-link")).to_contain_text("/user/reset-password?token=")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_text(f"The account marie{width} exists now.")).to_be_visible()
    expect(page.get_by_test_id("accounts-table")).to_contain_text(f"marie{width}")
    made = stored(portal, f"marie{width}")
    assert (made.email, made.password_hash) == (f"Marie.{width}@example.org", None)
    assert made.team_id is not None
    assert portal.run(limits, made.id) == Limits(monthly=1_000_000)
