"""A key is created, renamed and revoked."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, WIDE, Portal

Visit = Callable[..., Page]


def may_ask(portal: Portal, secret: str) -> int:
    return httpx.get(f"{portal.url}/api/v1/budget", headers={"Authorization": f"Bearer {secret}"}).status_code


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_a_key_is_created_shown_once_used_and_revoked(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    person = portal.person(f"kim-{width}")
    page = visit(person, "/user/keys", width=width, scheme=scheme)
    page.get_by_role("button", name="Create key").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Label").fill("night <i>runs</i>")
    dialog.get_by_role("button", name="Create key").click()
    secret = page.get_by_test_id("new-key").inner_text().strip()
    assert re.fullmatch(r"moe-sk-[0-9a-f]{48}", secret)
    assert may_ask(portal, secret) == httpx.codes.OK
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("new-key")).to_be_visible()
    page.get_by_role("button", name=re.compile("copied")).click()
    expect(page.get_by_test_id("new-key")).to_be_hidden()
    row = page.get_by_test_id("keys-table").locator("tbody tr", has_text="night <i>runs</i>")
    expect(row).to_contain_text(secret[:16])
    assert secret not in page.content()
    page.reload()
    expect(row).to_contain_text("Active")
    assert secret not in page.content()

    row.get_by_role("button", name=re.compile("^Revoke")).click()
    expect(page.get_by_role("button", name="Keep key")).to_be_focused()
    page.get_by_role("button", name="Revoke key").click()
    expect(row).to_contain_text("Revoked")
    assert may_ask(portal, secret) == httpx.codes.UNAUTHORIZED


def test_a_new_label_shows_in_every_open_tab(portal: Portal, visit: Visit) -> None:
    person = portal.person("lana")
    page = visit(person, "/user/keys")
    dashboard = page.context.new_page()
    dashboard.goto(portal.url + "/user/dashboard")
    expect(dashboard.get_by_test_id("active-keys")).to_contain_text("lana-laptop")
    page.bring_to_front()
    page.get_by_role("button", name="Edit label of lana-laptop").click()
    page.get_by_role("textbox", name="Label").fill("workstation")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_test_id("keys-table")).to_contain_text("workstation")
    dashboard.bring_to_front()
    expect(dashboard.get_by_test_id("active-keys")).to_contain_text("workstation")


def test_a_label_that_is_too_long_says_so_beside_the_field(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("lola"), "/user/keys?create=1")
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Label").fill("x" * 101)
    dialog.get_by_role("button", name="Create key").click()
    expect(dialog).to_contain_text("100 characters")
    expect(page.get_by_test_id("keys-table").locator("tbody tr")).to_have_count(1)
