"""An administrator sees the state of the portal, verifies, tries a message again, and makes an admin token."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from portal.db.outbox import NewMessage, add_message
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_system_is_watched_and_operated(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin = portal.person(f"system-{width}", role="admin")
    subject = f"Notice {width}"
    lost = NewMessage(admin.account.id, "notice", "", subject, "text", "<p>text</p>")
    portal.run(add_message, lost, datetime.now(UTC))
    page = visit(admin, "/admin/system", width=width, scheme=scheme)
    expect(page.get_by_test_id("system-health")).to_contain_text("Schema")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("The numbers tie")).to_be_visible(timeout=20_000)
    expect(page.get_by_test_id("lags-table")).to_contain_text("browser-tests")

    page.get_by_role("button", name=f"Send “{subject}” again").click()
    expect(page.locator(".mp-message")).to_contain_text("Mail is not set up.")
    assert violations(page) == []

    page.get_by_role("button", name="Create token").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("textbox", name="Label").fill(f"reports {width}")
    dialog.get_by_role("button", name="Create token").click()
    expect(dialog).to_contain_text("Name at least one scope")
    dialog.get_by_role("checkbox", name="Prices: Read").click()
    expect(dialog.get_by_role("checkbox", name="Prices: Read")).to_be_checked()
    dialog.get_by_role("button", name="Create token").click()
    expect(page.get_by_role("dialog", name="Token created")).to_contain_text("moe-ad-")
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_test_id("tokens-table")).to_contain_text("prices:read")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert violations(page) == []
    page.get_by_role("button", name=f"Revoke reports {width}").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke token").click()
    expect(page.get_by_text(f"The token reports {width} has been revoked.")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
