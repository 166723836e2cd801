"""Expert Templates: an administrator writes, copies, imports and deletes them."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_templates_are_written(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin, name = portal.person(f"writer{width}", role="admin"), f"night{width}"
    page = visit(admin, f"/admin/templates?search={name}", width=width, scheme=scheme)
    table, dialog = page.get_by_test_id("templates-table"), page.get_by_role("dialog")
    page.get_by_role("button", name="New template").click()
    dialog.get_by_role("textbox", name="Name").fill(name)
    dialog.get_by_role("textbox", name="Cost factor").fill("1.25")
    dialog.get_by_role("textbox", name="Models").fill("Code: phi4:14b\nqwen3")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_contain_text("Line 2 is not like")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("textbox", name="Models").fill("Code: phi4:14b\nTalk: qwen3@gpu-01 (required)")
    dialog.get_by_role("button", name="Save").click()
    expect(table).to_contain_text("2 models")
    page.get_by_role("button", name=f"Duplicate {name}").click()
    expect(dialog.get_by_role("textbox", name="Name")).to_have_value(f"Copy of {name}")
    expect(dialog.get_by_role("textbox", name="Models")).to_have_value("Code: phi4:14b\nTalk: qwen3@gpu-01 (required)")
    dialog.get_by_role("button", name="Save").click()
    expect(table.locator("tbody tr")).to_have_count(2)
    assert violations(page) == []
    page.get_by_role("button", name="Import").click()
    content = {"name": f"{name}-b", "experts": {"Code": {"model": "phi4"}}}
    dialog.get_by_role("textbox", name="JSON").fill(json.dumps(content))
    dialog.get_by_role("button", name="Import").click()
    expect(table.locator("tbody tr")).to_have_count(3)
    page.get_by_role("button", name=f"Delete {name}-b").click()
    dialog.get_by_role("button", name="Delete template").click()
    expect(table.locator("tbody tr")).to_have_count(2)
