"""A new portal is set up in the browser: from the setup link to four steps that turn done."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from portal.actions.metering.gateways import create_gateway
from portal.actions.people.setup import new_setup_link
from portal.actions.spending.default_budgets import set_default_budget
from portal.db.metering.gateways import gateway_named, note_reported
from portal.db.sql.schema import pinned_budget_timezone
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import Portal, running_with_mail
from tests.browser.places import settle
from tests.cast import OPERATOR, PASSWORD


@pytest.fixture
def new_portal(tmp_path: Path) -> Iterator[Portal]:
    """A portal with mail and an empty database."""
    with running_with_mail(tmp_path) as found:
        yield found


def test_a_new_portal_is_set_up_in_the_browser(new_portal: Portal, chromium: Browser) -> None:
    page = chromium.new_context(locale="en-GB", timezone_id="Europe/Berlin").new_page()
    page.goto(f"{new_portal.url}/user/setup?token={new_portal.run(new_setup_link, datetime.now(UTC))}")
    page.get_by_label("Username").fill("root")
    page.get_by_label("Email").fill("root@example.org")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password again").fill(PASSWORD)
    expect(page.get_by_label("Budget time zone")).to_have_value("Europe/Berlin")
    page.get_by_label("General price").fill("0.00002")
    assert violations(page) == []
    page.get_by_role("button", name="Create administrator").click()

    steps = page.get_by_test_id("first-steps")
    states = steps.locator(".mp-badge")
    expect(steps).to_contain_text("1 of 4 done")
    expect(states).to_have_text(["Open", "Open", "Open", "Done"])
    settle(page)
    assert violations(page) == []
    assert new_portal.run(pinned_budget_timezone) == "Europe/Berlin"

    for link, heading in (("Connect gateway", "Connect gateway"), ("Open accounts", "Accounts")):
        steps.get_by_role("link", name=link).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        page.go_back()
    new_portal.run(create_gateway, OPERATOR, "gpu-01", datetime.now(UTC))
    new_portal.run(lambda session: note_reported(session, gateway_named(session, "gpu-01").id, datetime.now(UTC)))  # type: ignore[union-attr]
    page.goto(f"{new_portal.url}/user/dashboard")
    expect(page.get_by_test_id("lead-to-steps")).to_contain_text("2 of 4 done")
    settle(page)
    assert violations(page) == []
    page.get_by_role("link", name="Set up the portal").click()
    expect(states).to_have_text(["Done", "Open", "Open", "Done"])

    new_portal.person("alice")
    new_portal.run(set_default_budget, OPERATOR, Role.USER, Limits(monthly=1_000_000), datetime.now(UTC))
    page.reload()
    expect(steps).to_contain_text("4 of 4 done")
    page.goto(f"{new_portal.url}/user/dashboard")
    settle(page)
    expect(page.get_by_test_id("lead-to-steps")).to_be_hidden()
    page.context.close()
