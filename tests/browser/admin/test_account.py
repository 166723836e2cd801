"""An administrator helps a person: on the page of the account, and by seeing the portal as the person."""

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from portal.actions.people.accounts import edit_account
from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Portal
from tests.browser.places import go, settle
from tests.cast import OPERATOR, PASSWORD

Visit = Callable[..., Page]


def test_an_account_is_changed_on_its_page(portal: Portal, visit: Visit) -> None:
    person = portal.person("hilda", limits=Limits(monthly=50_000))
    page = visit(portal.person("aida", role="admin"), f"/admin/accounts/{person.account.id}")
    dialog = page.get_by_role("dialog")
    settle(page)

    page.get_by_role("button", name="Edit details").click()
    dialog.get_by_label("Name").fill("Hilda the Second")
    portal.run(
        lambda session: edit_account(
            session, OPERATOR, person.account.id, datetime.now(UTC), email="new@example.org", time_zone="Asia/Tokyo"
        )
    )
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Email: new@example.org, Time zone: Asia/Tokyo")
    expect(dialog.get_by_label("Email")).to_have_value("new@example.org")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("account-details")).to_contain_text("Hilda the Second")
    expect(page.get_by_test_id("account-details")).to_contain_text("new@example.org")

    page.get_by_role("button", name="Set budget", exact=True).click()
    dialog.get_by_label("Daily budget").fill("7,000")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("budget-card-daily")).to_contain_text("of 7,000 billable")

    page.get_by_role("button", name="Add allowance").click()
    dialog.get_by_label("Extra tokens").fill("2000")
    dialog.get_by_label("Reason").fill("Thesis")
    dialog.get_by_role("button", name="Add allowance").click()
    expect(page.get_by_test_id("budget-card-monthly")).to_contain_text("52,000")
    page.get_by_role("button", name="End the allowance").click()
    dialog.get_by_role("button", name="End allowance").click()
    expect(page.get_by_test_id("budget-card-monthly")).to_contain_text("50,000")

    page.get_by_role("button", name="Create key").click()
    dialog.get_by_label("Label").fill("robot")
    dialog.get_by_role("button", name="Create key").click()
    expect(page.get_by_test_id("new-key")).to_contain_text("moe-sk-")
    dialog.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_test_id("account-keys")).to_contain_text("robot")

    page.get_by_role("button", name="Password link").click()
    expect(page.get_by_test_id("password-link")).to_contain_text("/user/reset-password?token=")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="End the session").click()
    expect(page.get_by_test_id("account-sessions")).to_contain_text("Not signed in")

    page.get_by_role("button", name="Suspend account").click()
    dialog.get_by_role("button", name="Suspend account").click()
    expect(page.get_by_role("button", name="Activate account")).to_be_visible()
    expect(page.get_by_role("button", name="Act as")).to_be_hidden()
    expect(page.get_by_test_id("account-entries")).to_contain_text("account.suspend")
    assert violations(page) == []


def test_a_deleted_account_shows_what_is_kept(portal: Portal, visit: Visit) -> None:
    person = portal.person("gerda")
    portal.report(person)
    page = visit(portal.person("agatha", role="admin"), f"/admin/accounts/{person.account.id}", width=PHONE)
    dialog = page.get_by_role("dialog")
    settle(page)
    page.get_by_role("button", name="Delete account").click()
    dialog.get_by_label("Type gerda to confirm").fill("greta")
    dialog.get_by_role("button", name="Delete account").click()
    expect(dialog).to_contain_text("This is not the username of the account.")
    dialog.get_by_label("Type gerda to confirm").fill("gerda")
    dialog.get_by_role("button", name="Delete account").click()
    expect(page.get_by_test_id("account-deleted")).to_contain_text(f"deleted-{person.account.id}")
    expect(page.get_by_test_id("account-deleted")).to_contain_text("1,200")
    assert violations(page) == []
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_test_id("usage-table")).to_contain_text("qwen3-coder:30b")
    expect(page.get_by_test_id("read-only")).to_be_visible()


def test_an_administrator_looks_as_a_person_and_exits(portal: Portal, visit: Visit) -> None:
    person = portal.person("frieda", limits=Limits(monthly=50_000))
    portal.report(person)
    page = visit(portal.person("alma", role="admin"), f"/admin/accounts/{person.account.id}")
    settle(page)
    page.get_by_role("button", name="Act as").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Your password").fill("wrong")
    dialog.get_by_role("button", name="Act as this person").click()
    expect(dialog).to_contain_text("That is not your password.")
    dialog.get_by_label("Your password").fill(PASSWORD)
    dialog.get_by_role("button", name="Act as this person").click()
    banner = page.get_by_test_id("acting")
    expect(banner).to_contain_text("You see the portal as Frieda.")
    expect(page.get_by_test_id("budget-card-monthly")).to_contain_text("1,200")
    assert violations(page) == []
    go(page, f"{portal.url}/user/keys")
    page.get_by_role("button", name="Create key").first.click()
    dialog.get_by_label("Label").fill("taken")
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog).to_contain_text("can only look. Exit first.")
    dialog.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Discard").click()
    expect(dialog).to_have_count(0)
    banner.get_by_role("button", name="Exit").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Frieda")
    expect(page.get_by_test_id("account-budget")).to_be_visible()
    assert page.url.endswith(f"/admin/accounts/{person.account.id}")
