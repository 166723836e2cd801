"""Usage History: filters, pages and notes."""

import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PHONE, WIDE, Portal, minutes_ago, unconnected

Visit = Callable[..., Page]


def rows(page: Page) -> Locator:
    return page.get_by_test_id("usage-table").locator("tbody tr")


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_filters_change_rows_totals_and_address(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    person = portal.person(f"fiona-{width}")
    portal.report(
        person,
        {"mode": "moe_reasoning", "prompt_tokens": 500, "completion_tokens": 50},
        {"mode": "native", "prompt_tokens": 700, "completion_tokens": 70},
        {"mode": "native", "status": "504 timeout", "prompt_tokens": 40, "completion_tokens": 0},
    )
    page = visit(person, "/user/usage", width=width, scheme=scheme)
    expect(rows(page)).to_have_count(3)
    expect(page.get_by_test_id("usage-totals")).to_contain_text("1,360")
    if width == PHONE:
        page.get_by_role("button", name=re.compile("Filters")).click()

    page.get_by_test_id("filter-status").click()
    page.get_by_role("option", name="error").click()
    expect(rows(page)).to_have_count(1)
    expect(page.get_by_test_id("usage-totals")).to_contain_text("40")
    page.wait_for_url("**/user/usage?*status=error*")

    page.reload()
    expect(rows(page)).to_have_count(1)
    if width == PHONE:
        page.get_by_role("button", name=re.compile("Filters")).click()
    page.get_by_role("button", name="Reset").click()
    expect(rows(page)).to_have_count(3)
    assert page.url.endswith("/user/usage")


def test_day_entered_before_the_connection_is_used(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("quincy"), "/user/profile")
    with unconnected(page, f"{portal.url}/user/usage"):
        page.get_by_label("From", exact=True).fill("2026-02-03")
    page.wait_for_url("**/user/usage?*from=2026-02-03*")
    expect(page.get_by_label("From", exact=True)).to_have_value("2026-02-03")


def test_typed_name_of_a_key_filters_and_survives_a_refresh(portal: Portal, visit: Visit) -> None:
    person = portal.person("tycho")
    portal.report(person, {}, {"api_key": None, "username": "tycho"})
    page = visit(person, "/user/usage")
    expect(rows(page)).to_have_count(2)
    field = page.get_by_label("Token name")
    field.press_sequentially("CHO-lap", delay=20)
    expect(rows(page)).to_have_count(1)
    portal.report(person, {})
    expect(rows(page)).to_have_count(2)
    expect(field).to_be_focused()
    expect(field).to_have_value("CHO-lap")


def test_pages_follow_each_other_without_gap_or_overlap(portal: Portal, visit: Visit) -> None:
    person = portal.person("paige")
    portal.report(person, *({"prompt_tokens": 1000 + n, "requested_at": minutes_ago(60 - n)} for n in range(60)))
    page = visit(person, "/user/usage")
    seen: list[str] = []
    older = page.get_by_role("button", name="Older")
    for count in (25, 25, 10):
        expect(rows(page)).to_have_count(count)
        if seen:
            expect(rows(page).first).not_to_contain_text(seen[-count])
        seen += page.get_by_test_id("usage-table").locator("tbody td.u-p").all_inner_texts()
        if count == 25:
            first = rows(page).first.inner_text()
            older.click()
            expect(rows(page).first).not_to_have_text(first)
    expect(older).to_be_disabled()
    assert [text.strip() for text in seen] == [f"{1059 - n:,}" for n in range(60)]
    expect(page.get_by_test_id("usage-pager")).to_contain_text("51 – 60 of 60 requests")


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "dark"), (PHONE, "light")])
def test_a_note_is_written_kept_through_a_refresh_and_deleted(
    portal: Portal, visit: Visit, width: int, scheme: str
) -> None:
    person = portal.person(f"nora-{width}")
    portal.report(person)
    page = visit(person, "/user/usage", width=width, scheme=scheme)
    rows(page).first.get_by_role("button").click()
    dialog = page.get_by_role("dialog")
    text = dialog.get_by_label("Note text")
    expect(text).to_be_focused()
    text.press_sequentially("half a thou")
    portal.report(person)
    expect(page.get_by_test_id("usage-totals")).to_contain_text("2,400")
    expect(text).to_be_focused()
    text.press_sequentially("ght <b>& more</b>")
    text.press("Control+Enter")
    expect(dialog).to_be_hidden()
    expect(rows(page).nth(1).get_by_role("img", name="Has a note")).to_be_visible()

    rows(page).nth(1).get_by_role("button").click()
    expect(text).to_have_value("half a thought <b>& more</b>")
    dialog.get_by_role("button", name="Delete").click()
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("img", name="Has a note")).to_have_count(0)


def test_a_note_that_is_discarded_stays_as_it_was(portal: Portal, visit: Visit) -> None:
    person = portal.person("esra")
    portal.report(person)
    page = visit(person, "/user/usage")
    rows(page).first.get_by_role("button").click()
    page.get_by_label("Note text").fill("not kept")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    usage = httpx.get(f"{portal.url}/user/api/usage", headers={"Cookie": f"portal_session={person.session}"}).json()
    assert usage["items"][0]["note"] is None


def test_an_empty_range_says_what_to_do(portal: Portal, visit: Visit) -> None:
    person = portal.person("otto")
    portal.report(person, {"requested_at": minutes_ago(60 * 24 * 40)})
    page = visit(person, "/user/usage?status=ok")
    expect(page.get_by_test_id("no-match")).to_contain_text("The cause is the days.")
    page.get_by_role("button", name="Last 90 days (1 request)").click()
    page.wait_for_url("**/user/usage?*range=90*")
    expect(rows(page)).to_have_count(1)


def test_the_export_is_the_filtered_set(portal: Portal, visit: Visit) -> None:
    person = portal.person("expo")
    portal.report(person, {}, {"status": "429 limited", "prompt_tokens": 0, "completion_tokens": 0})
    page = visit(person, "/user/usage?status=ok")
    expect(rows(page)).to_have_count(1)
    page.get_by_role("button", name="Export").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="CSV").click()
    lines = download.value.path().read_text().strip().splitlines()
    assert len(lines) == 2
    assert download.value.suggested_filename.endswith(".csv")
