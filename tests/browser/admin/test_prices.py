"""A price is previewed, entered and ended; requests without one are shown and priced."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import FilePayload, Page, expect
from sqlalchemy import update

from portal.db.tables import Price
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


@contextmanager
def no_general_price(portal: Portal) -> Iterator[None]:
    """Take the general price out of the book during the block."""

    def take(when: datetime | None) -> None:
        portal.run(
            lambda session: session.execute(update(Price).where(Price.pattern.is_(None)).values(removed_at=when))
        )

    take(datetime.now(UTC))
    yield
    take(None)


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_price_is_previewed_entered_and_ended(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin, model = portal.person(f"pricer-{width}", role="admin"), f"paid-{width}"
    last_month = datetime.now(UTC).replace(day=1) - timedelta(1)
    portal.report(admin, {"model": model, "requested_at": last_month.isoformat()})
    page = visit(admin, f"/admin/prices?search={model}", width=width, scheme=scheme)
    page.get_by_role("button", name="New price").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("The effect on last month appears here.")
    dialog.get_by_role("textbox", name="Model").fill(f"{model}*")
    dialog.get_by_role("textbox", name=re.compile("^Prompt")).fill("0")
    dialog.get_by_role("textbox", name=re.compile("^Completion")).fill("10")
    preview = dialog.get_by_test_id("price-preview")
    expect(preview.get_by_role("row", name=model)).to_contain_text("€0.002")
    expect(preview.get_by_role("row", name=model)).to_contain_text("−€0.02")
    assert violations(page, ".q-dialog") == []

    dialog.get_by_role("button", name="Save price").click()
    expect(dialog.get_by_text("Confirm that a price of 0 is intended.")).to_be_visible()
    dialog.get_by_role("switch", name="A price of 0 is intended").click()
    dialog.get_by_role("button", name="Save price").click()
    expect(page.get_by_text("The price has been saved.")).to_be_visible()
    table = page.get_by_test_id("prices-table")
    expect(table.get_by_role("row", name=model)).to_contain_text("In force")
    assert violations(page) == []

    tomorrow = (datetime.now(UTC) + timedelta(1)).date()
    table.get_by_role("button", name=f"End the price of {model}*").click()
    dialog.get_by_label("Valid from").fill(tomorrow.isoformat())
    expect(preview.get_by_role("row", name=model)).to_contain_text("±€0.00")
    dialog.get_by_role("button", name="End price").click()
    expect(page.get_by_text(f"The price of {model}* ends.")).to_be_visible()
    table.get_by_role("button", name=f"Remove the planned price of {model}*").click()
    dialog.get_by_role("button", name="Remove price").click()
    expect(page.get_by_text(f"The planned price of {model}* has been removed.")).to_be_visible()
    expect(table.locator("tbody tr")).to_have_count(1)


def test_requests_without_a_price_are_shown_and_priced(portal: Portal, visit: Visit) -> None:
    admin = portal.person("repairer", role="admin")
    with no_general_price(portal):
        portal.report(admin, {"model": "priceless"}, {"model": "priceless"})
        page = visit(admin, "/admin/prices")
        card = page.get_by_test_id("unpriced")
        expect(card.get_by_role("row", name="priceless")).to_contain_text("2")
        card.get_by_role("button", name="Price them now").click()
        expect(page.get_by_text("For 2 there is still no price.")).to_be_visible()
    card.get_by_role("button", name="Price them now").click()
    expect(page.get_by_text("2 requests have a cost now.")).to_be_visible()
    expect(card).to_be_hidden()
    assert violations(page) == []


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_price_map_is_previewed_and_imported(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    admin, mark = portal.person(f"importer-{width}", role="admin"), f"map{width}"
    found = {f"{mark}-a": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06}, f"{mark}-b": 7}
    page = visit(admin, f"/admin/prices?search={mark}", width=width, scheme=scheme)
    page.get_by_role("button", name="Import", exact=True).click()
    dialog = page.get_by_role("dialog")
    content = json.dumps(found | {"filling": "x" * 700_000}).encode()
    file = FilePayload(name="map.json", mimeType="application/json", buffer=content)
    dialog.locator("input[type=file]").set_input_files(file)
    dialog.get_by_role("textbox", name=re.compile("^EUR for one USD")).fill("0.5")
    dialog.get_by_label("Day of this rate").fill("2026-11-01")
    dialog.get_by_role("textbox", name="Models").fill(f"{mark}*")
    expect(dialog.get_by_test_id("wrong-models")).to_contain_text(f"{mark}-b")
    assert violations(page, ".q-dialog") == []
    dialog.get_by_role("button", name="Import prices").click()
    expect(dialog).to_contain_text("1 models are wrong, so nothing was imported.")
    dialog.get_by_role("switch", name="Leave wrong models out").click()
    dialog.get_by_role("button", name="Import prices").click()
    expect(page.get_by_text("1 price was imported.")).to_be_visible()
    row = page.get_by_test_id("prices-table").get_by_role("row", name=f"{mark}-a")
    expect(row).to_contain_text("LiteLLM, 1 USD = 0.5 EUR on 2026-11-01")
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
