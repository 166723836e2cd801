"""An administrator sets the budgets of new accounts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from portal.db.spending.default_budgets import default_budgets
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import BudgetType, Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme", "role"), [(WIDE, "light", Role.EXPERT), (PHONE, "dark", Role.ADMIN)])
def test_default_budgets_are_set(portal: Portal, visit: Visit, width: int, scheme: str, role: Role) -> None:
    page = visit(portal.person(f"default{width}", role="admin"), "/admin/accounts", width=width, scheme=scheme)
    page.get_by_role("button", name="Default budgets").click()
    dialog = page.get_by_role("dialog", name="Default budgets")
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Administrator" if role is Role.ADMIN else "Expert").click()
    dialog.get_by_role("textbox", name="Monthly budget").fill("many")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("textbox", name="Monthly budget")).to_have_attribute("aria-invalid", "true")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("textbox", name="Monthly budget").fill("")
    dialog.get_by_role("combobox", name="Type").click()
    page.get_by_role("option", name="One-time").click()
    expect(dialog.get_by_role("textbox", name="Monthly budget")).to_be_hidden()
    dialog.get_by_role("textbox", name="Total budget").fill("1,000,000")
    dialog.get_by_role("button", name="Save").click()
    expect(page.get_by_text("was saved.")).to_be_visible()
    assert portal.run(default_budgets)[role] == Limits(total=1_000_000, type=BudgetType.ONE_TIME)
    page.get_by_role("button", name="Default budgets").click()
    dialog.get_by_role("combobox", name="Role").click()
    page.get_by_role("option", name="Administrator" if role is Role.ADMIN else "Expert").click()
    expect(dialog.get_by_role("textbox", name="Total budget")).to_have_value("1,000,000")
    dialog.get_by_role("textbox", name="Total budget").fill("")  # back to none: others create accounts
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)
    assert portal.run(default_budgets)[role] is None
