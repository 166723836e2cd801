"""Accounts are imported from a CSV file: the preview says which rows are wrong, and nothing is half done."""

import csv
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import FilePayload, Page, expect

from portal.actions.people.teams import create_team
from portal.db.people.accounts import account_named
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE, Portal
from tests.cast import OPERATOR

Visit = Callable[..., Page]


def choose(page: Page, text: str) -> None:
    file = FilePayload(name="people.csv", mimeType="text/csv", buffer=text.encode())
    page.get_by_label("CSV file").set_input_files(file)


@pytest.mark.parametrize(("width", "scheme"), [(WIDE, "light"), (PHONE, "dark")])
def test_right_rows_are_imported_with_links(portal: Portal, visit: Visit, width: int, scheme: str) -> None:
    portal.run(create_team, OPERATOR, f"Import {width}", "", datetime.now(UTC))
    page = visit(portal.person(f"registrar{width}", role="admin"), "/admin/accounts", width=width, scheme=scheme)
    dialog, preview = page.get_by_role("dialog"), page.get_by_test_id("import-preview")
    page.get_by_role("button", name="Import", exact=True).click()
    choose(page, "username;team\nx;y\n")
    expect(dialog).to_contain_text("The first line has no column email.")
    lines = [
        f"ina{width};Ina{width}@example.org;Import {width};1000",
        f"ina{width};twice{width}@example.org;;",
        f"jan{width};jan{width}@example.org;Nowhere;",
        f"kim{width};kim{width}@example.org;;1.000",
    ]
    choose(page, "\n".join(["username;email;team;monthly", *lines]))
    expect(preview).to_contain_text("Line 2 has this user name already.")
    expect(preview).to_contain_text("There is no team called Nowhere.")
    expect(preview).to_contain_text("'1.000' is not a limit.")
    assert violations(page, ".q-dialog") == []
    expect(dialog.get_by_role("button", name="Import 1 account")).to_be_disabled()
    dialog.get_by_role("switch", name="Leave wrong rows out").click()
    dialog.get_by_role("button", name="Import 1 account").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Download links").click()
    rows = list(csv.DictReader(download.value.path().read_text(encoding="utf-8").splitlines()))
    assert [row["username"] for row in rows] == [f"ina{width}"]
    assert "/user/reset-password?token=" in rows[0]["password_link"]
    dialog.get_by_role("button", name="Done").click()
    expect(page.get_by_text("1 account was created. 3 rows were left out.")).to_be_visible()
    assert portal.run(account_named, f"ina{width}").team_id is not None
    assert portal.run(account_named, f"jan{width}") is None


def test_file_of_5000_rows_is_imported_whole(crowded: Portal, visit: Visit) -> None:
    page = visit(crowded.person("registrar-all", role="admin"), "/admin/accounts?search=mass", at=crowded)
    dialog, preview = page.get_by_role("dialog"), page.get_by_test_id("import-preview")
    lines = [f"mass{number:04},mass{number:04}@example.org" for number in range(5000)]
    page.get_by_role("button", name="Import", exact=True).click()
    choose(page, "\n".join(["username,email", *lines, "one,too-many@example.org"]))
    expect(dialog).to_contain_text("The file has more than 5,000 rows. Split it.")
    choose(page, "\n".join(["username,email", *lines[:-1], "mass 4999,space@example.org"]))
    expect(preview).to_contain_text("1 – 50 of 5,000 rows", timeout=20_000)
    expect(dialog.get_by_role("button", name="Import 4,999 accounts")).to_be_disabled()
    choose(page, "\n".join(["username,email", *lines]))
    dialog.get_by_role("combobox", name="Link to set a password").click()
    page.get_by_role("option", name="No link").click()
    dialog.get_by_role("button", name="Import 5,000 accounts").click()
    expect(page.get_by_text("5,000 accounts were created.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("of 5,000 accounts")).to_be_visible()


def test_change_since_the_preview_is_shown(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("registrar-late", role="admin"), "/admin/accounts")
    page.get_by_role("button", name="Import", exact=True).click()
    choose(page, "username,email\nracing,racing@example.org\nsecond,second@example.org\n")
    button = page.get_by_role("dialog").get_by_role("button", name="Import 2 accounts")
    expect(button).to_be_enabled()
    portal.person("racing")
    button.click()
    expect(page.get_by_role("dialog")).to_contain_text("1 of 2 rows are wrong, so nothing was imported.")
    expect(page.get_by_test_id("import-preview")).to_contain_text("There is an account called racing already.")
    assert portal.run(account_named, "second") is None
