"""An administrator searches in the notes of all people, and each search is audited once."""

from collections.abc import Callable

from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from portal.db.tables import AuditEntry
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, Person, Portal

Visit = Callable[..., Page]
SEARCHES = select(func.count()).where(AuditEntry.action == "notes.search")


def test_notes_are_searched_and_each_search_audited_once(portal: Portal, busy: Person, visit: Visit) -> None:
    before = portal.run(lambda session: session.scalar(SEARCHES))
    page = visit(portal.person("curious", role="admin"), "/admin/notes")
    expect(page.get_by_test_id("list-empty")).to_contain_text("Search for a text or a person")
    assert portal.run(lambda session: session.scalar(SEARCHES)) == before
    page.get_by_role("textbox", name="Search").fill("WHY WAS THIS")
    table = page.get_by_test_id("notes-table")
    expect(table).to_contain_text("Why was this so long?")
    assert violations(page) == []
    page.wait_for_timeout(2500)  # two refreshes
    assert portal.run(lambda session: session.scalar(SEARCHES)) == before + 1
    page.set_viewport_size({"width": PHONE, "height": 900})
    assert violations(page) == []
