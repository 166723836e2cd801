"""Typed text that is not saved is never lost without a question, and survives a restart of the server."""

import re
import zlib
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Dialog, Locator, Page, expect

from portal.actions.metering.notes import write_note
from portal.actions.spending.alerts import change_alerts
from portal.db.tables import UsageEvent
from portal.rules.spending.budgets import Limits
from tests.browser.conftest import Person, Portal
from tests.browser.places import (
    FORM_WINDOWS,
    KEPT_WINDOWS,
    PAGES,
    ROUTES_OF_WINDOWS,
    WINDOWS,
    Window,
    address,
    go,
    settle,
    windows_of,
)
from tests.cast import acting

Visit = Callable[..., Page]
Leave = Callable[[Page, Locator], None]

TO_TYPE_INTO = (
    "input:not([readonly], [role=combobox], [type=date], [type=checkbox], [type=search], [type=file]), textarea"
)
TO_FILL = f"{TO_TYPE_INTO}, input[type=date]"
DAY = "2999-12-31"
TYPED = re.compile(f"typed|{DAY}")
QUESTION = "Discard what you typed?"
_DRAFTS = "Object.entries(sessionStorage).filter(([name]) => name.startsWith('portal-draft '))"

_IS_STILL = "() => !document.querySelector('.q-dialog__inner--animating, .q-animate--scale')"


def escape(page: Page, _: Locator) -> None:
    page.keyboard.press("Escape")


def cancel(_: Page, opened: Locator) -> None:
    opened.get_by_role("button", name="Cancel").click()


def click_outside(page: Page, _: Locator) -> None:
    page.mouse.click(5, 5)


def question(page: Page) -> Locator:
    return page.get_by_role("dialog", name=QUESTION)


def answer(page: Page, name: str) -> None:
    page.wait_for_function(_IS_STILL)
    expect(question(page).get_by_role("button", name="Keep writing")).to_be_focused()
    question(page).get_by_role("button", name=name).press("Enter")
    expect(question(page)).to_have_count(0)


def drafts(page: Page) -> list[list[str]]:
    """Return the drafts in the tab."""
    found: list[list[str]] = page.evaluate(_DRAFTS)
    return found


def heard(page: Page, *, leaves: bool) -> list[str]:
    """Answer the questions of the browser before a page is left; return the list of their kinds."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        if leaves:
            dialog.accept()
        else:
            dialog.dismiss()

    page.on("dialog", answer)
    return asked


def load_again(page: Page) -> None:
    """Load the page again, as it does by itself after a restart of the server."""
    page.evaluate("window.socket.disconnect()")
    go(page, page.url)


@pytest.fixture
def typist(portal: Portal, busy: Person, request: pytest.FixtureRequest) -> Person:
    """An administrator with a key and a request; what a busy portal waits for is there for every other dialog."""
    person = portal.person(
        f"tilda-{zlib.crc32(request.node.name.encode())}", role="admin", limits=Limits(monthly=50_000)
    )
    portal.report(person)
    return person


def open_on(page: Page, window: Window) -> tuple[Locator, Locator]:
    """Open a dialog; return it and its first field, which is a date in a dialog without text."""
    settle(page)
    opened = window.open(page)
    has_text = opened.locator(TO_TYPE_INTO).count() > 0
    return opened, opened.locator(TO_TYPE_INTO if has_text else TO_FILL).first


def type_into(field: Locator) -> None:
    """Type a word into a field, or a day into a date."""
    if field.get_attribute("type") == "date":
        field.fill(DAY)
    else:
        field.press_sequentially("typed")


def type_and_leave(page: Page, opened: Locator, field: Locator, leave: Leave) -> None:
    """Type, leave, keep on writing, and leave for good."""
    type_into(field)
    leave(page, opened)
    expect(question(page)).to_be_visible()
    page.wait_for_function(_IS_STILL)
    expect(question(page).get_by_role("button", name="Keep writing")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question(page)).to_have_count(0)
    expect(field).to_have_value(TYPED)
    assert opened.evaluate("window => window.contains(document.activeElement)")
    leave(page, opened)
    answer(page, "Discard")
    expect(opened).to_have_count(0)
    assert drafts(page) == []


def type_nothing_and_leave(page: Page, opened: Locator, field: Locator, leave: Leave) -> None:
    """Type and delete it again, and leave without a question."""
    if field.get_attribute("type") == "date":
        field.fill(DAY)
        field.fill("")
    else:
        field.press("x")
        field.press("Backspace")
    leave(page, opened)
    expect(opened).to_have_count(0)


@pytest.mark.parametrize("route", ROUTES_OF_WINDOWS)
def test_a_dialog_to_type_into_is_one_that_asks(busy: Person, visit: Visit, route: str) -> None:
    page = visit(busy, address(route))
    settle(page)
    for name, window in windows_of(route).items():
        opened = window.open(page)
        assert (opened.locator(TO_FILL).count() > 0) is (name in FORM_WINDOWS), name
        window.close(page)
        expect(opened).to_have_count(0)


@pytest.mark.parametrize("name", FORM_WINDOWS)
def test_leaving_a_dialog_asks_before_what_was_typed_is_lost(typist: Person, visit: Visit, name: str) -> None:
    window = FORM_WINDOWS[name]
    page = visit(typist, address(window.route))
    asked = heard(page, leaves=False)
    opened, field = open_on(page, window)
    before = field.input_value()
    type_and_leave(page, opened, field, escape)
    expect(window.opener(page)).to_be_focused()
    window.open(page)
    expect(field).to_have_value(before)
    type_nothing_and_leave(page, opened, field, escape)
    expect(window.opener(page)).to_be_focused()
    window.open(page)
    type_into(field)
    page.close(run_before_unload=True)
    page.wait_for_timeout(500)  # the browser asks in its own time
    assert asked == ["beforeunload"]
    page.keyboard.press("Escape")
    answer(page, "Discard")
    expect(opened).to_have_count(0)
    page.close(run_before_unload=True)
    page.wait_for_event("close") if not page.is_closed() else None
    assert asked == ["beforeunload"]


@pytest.mark.parametrize("name", ["note_dialog.NoteDialog", "key_dialogs.CreateKey"])
def test_every_way_out_of_a_dialog_asks_what_escape_asks(typist: Person, visit: Visit, name: str) -> None:
    window = FORM_WINDOWS[name]
    page = visit(typist, address(window.route))
    opened, field = open_on(page, window)
    before = field.input_value()
    for leave in (escape, cancel, click_outside):
        for type_and_go in (type_and_leave, type_nothing_and_leave):
            type_and_go(page, opened, field, leave)
            expect(window.opener(page)).to_be_focused()
            window.open(page)
            expect(field).to_have_value(before)


def test_keeping_on_puts_the_cursor_back_where_it_was(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    _, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("half a thou")
    page.keyboard.press("Escape")
    answer(page, "Keep writing")
    expect(field).to_be_focused()
    page.keyboard.type("ght")
    expect(field).to_have_value("half a thought")


@pytest.mark.parametrize(
    "name", [name for name, window in FORM_WINDOWS.items() if window.chooses and name not in KEPT_WINDOWS]
)
def test_a_draft_about_chosen_rows_ends_with_their_choice(typist: Person, visit: Visit, name: str) -> None:
    page = visit(typist, address(FORM_WINDOWS[name].route))
    opened, field = open_on(page, FORM_WINDOWS[name])
    field.press_sequentially("before")
    load_again(page)
    expect(opened).to_have_count(0)
    page.wait_for_function(
        "() => Object.keys(sessionStorage).filter(key => key.startsWith('portal-draft')).length === 0"
    )


@pytest.mark.parametrize("name", ["note_dialog.NoteDialog", "key_dialogs.CreateKey"])
def test_what_was_typed_survives_a_restart_of_the_server(
    portal: Portal, typist: Person, visit: Visit, name: str
) -> None:
    page = visit(typist, address(FORM_WINDOWS[name].route))
    opened, field = open_on(page, FORM_WINDOWS[name])
    field.press_sequentially("before")
    portal.stop()
    try:
        expect(page.locator("#offline")).to_be_visible()
        page.keyboard.type(" and while it was away")
        page.evaluate("window.isOld = true")
    finally:
        portal.start()
    page.wait_for_function("() => !window.isOld && window.did_handshake", timeout=20_000)
    expect(field).to_have_value(re.compile("before and while it was away"))
    expect(field).to_be_focused()
    check_restored(page, opened)


@pytest.mark.parametrize("name", KEPT_WINDOWS)
def test_what_was_typed_survives_that_the_page_loads_again(typist: Person, visit: Visit, name: str) -> None:
    page = visit(typist, address(FORM_WINDOWS[name].route))
    opened, field = open_on(page, FORM_WINDOWS[name])
    type_into(field)
    load_again(page)
    expect(field).to_have_value(TYPED)
    check_restored(page, opened)


def check_restored(page: Page, opened: Locator) -> None:
    """Check a dialog that the page opened again with its draft, and that the draft ends when it is discarded."""
    expect(opened.locator(":focus")).to_have_count(1)
    expect(opened).to_contain_text("It is not saved yet.")
    page.keyboard.press("Escape")
    answer(page, "Discard")
    expect(opened).to_have_count(0)
    expect(page.locator("#main")).to_be_focused()
    go(page, page.url)
    expect(opened).to_have_count(0)


def test_a_note_that_is_saved_leaves_no_draft(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    opened, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("a thought")
    assert "a thought" in drafts(page)[0][1]
    field.press("Control+Enter")
    expect(opened).to_have_count(0)
    assert drafts(page) == []
    go(page, page.url)
    assert drafts(page) == []
    expect(opened).to_have_count(0)


def test_the_choices_of_a_form_are_kept_as_well(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/keys")
    opened, field = open_on(page, WINDOWS["key_dialogs.CreateKey"])
    field.press_sequentially("night")
    opened.get_by_role("combobox", name="Expires").click()
    page.get_by_role("option", name="On a date").click()
    opened.get_by_label("Last day").fill("2999-12-31")
    load_again(page)
    expect(opened.get_by_label("Last day")).to_be_visible()
    expect(opened.get_by_label("Last day")).to_have_value("2999-12-31")
    expect(field).to_have_value("night")


def test_an_older_draft_does_not_replace_a_newer_note_in_silence(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    opened, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("older")
    usage_id = portal.run(lambda session: session.query(UsageEvent.id).filter_by(account_id=typist.account.id).scalar())
    portal.run(write_note, acting(typist.account), usage_id, "newer", datetime.now(UTC))
    load_again(page)
    expect(opened).to_contain_text("Something else has been saved here since you typed this.")
    expect(field).to_have_value("older")
    page.keyboard.press("Escape")
    answer(page, "Discard")
    expect(opened).to_have_count(0)
    WINDOWS["note_dialog.NoteDialog"].open(page)
    expect(field).to_have_value("newer")


def test_the_draft_about_something_that_is_gone_is_forgotten(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    opened, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("nothing")
    portal.run(lambda session: session.query(UsageEvent).filter_by(account_id=typist.account.id).delete())
    load_again(page)
    expect(page.get_by_text("There is no such request.")).to_be_visible()
    expect(opened).to_have_count(0)
    page.wait_for_function(f"() => {_DRAFTS}.length === 0")


def test_signing_out_clears_what_was_typed_in_every_tab(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    opened, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("for nobody else")
    other = page.context.new_page()
    go(other, portal.url + "/user/dashboard")
    other.get_by_test_id("account-menu").click()
    other.get_by_role("menuitem", name="Sign out").click()
    other.wait_for_url("**/user/login**")
    page.bring_to_front()
    page.wait_for_url("**/user/login**")
    page.wait_for_function(f"() => {_DRAFTS}.length === 0")
    page.get_by_label("Username").fill(typist.account.username)
    page.get_by_label("Password", exact=True).fill(typist.password)
    page.keyboard.press("Enter")
    page.wait_for_url("**/user/usage**")
    page.wait_for_function("() => window.did_handshake === true")
    expect(page.get_by_test_id("usage-table")).to_contain_text("qwen3-coder")
    expect(opened).to_have_count(0)


def test_another_account_in_the_same_tab_sees_nothing_of_it(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/keys")
    opened, field = open_on(page, WINDOWS["key_dialogs.CreateKey"])
    field.press_sequentially("for nobody else")
    somebody = portal.person(f"else-{typist.account.id}")
    page.context.add_cookies([{"name": "portal_session", "value": somebody.session, "url": portal.url}])
    load_again(page)
    page.wait_for_function(f"() => {_DRAFTS}.length === 0")
    expect(page.get_by_test_id("keys-table")).to_contain_text(somebody.key.prefix)
    expect(opened).to_have_count(0)


def test_leaving_a_page_after_the_question_discards_the_draft(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/usage")
    opened, field = open_on(page, WINDOWS["note_dialog.NoteDialog"])
    field.press_sequentially("not wanted")
    page.once("dialog", lambda dialog: dialog.accept())
    go(page, page.url)
    expect(page.get_by_test_id("usage-table")).to_contain_text("qwen3-coder")
    assert drafts(page) == []
    expect(opened).to_have_count(0)


def forms_of(page: Page) -> list[Locator]:
    """Return the forms of a page that have text fields."""
    forms = page.locator(".mp-page form").all()
    return [form for form in forms if form.locator(TO_TYPE_INTO).count()]


@pytest.mark.parametrize("route", PAGES)
def test_a_form_of_a_page_keeps_what_was_typed(portal: Portal, busy: Person, visit: Visit, route: str) -> None:
    page = visit(busy, address(route))
    settle(page)
    for form in forms_of(page):
        name, field = form.get_attribute("aria-label"), form.locator(TO_TYPE_INTO).first
        assert form.get_attribute("data-was") is not None, name
        before, is_secret = field.input_value(), field.get_attribute("type") == "password"
        typed = before + ("9" if field.get_attribute("inputmode") == "numeric" else "typed")
        field.fill(typed)
        load_again(page)
        expect(field).to_have_value("" if is_secret else typed)
        if not is_secret:
            expect(form).to_contain_text("It is not saved yet.")
        page.once("dialog", lambda dialog: dialog.accept())
        field.fill(typed)
        go(page, page.url)
        expect(field).to_have_value(before)
        assert drafts(page) == [], name


def test_no_password_is_kept_and_leaving_asks_about_it(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/profile")
    asked = heard(page, leaves=False)
    page.get_by_label("New password", exact=True).press_sequentially("a secret of mine")
    page.get_by_label("Display name").press_sequentially(" typed")
    assert "a secret" not in str(page.evaluate("JSON.stringify(sessionStorage)"))
    assert "typed" in str(drafts(page))
    page.get_by_label("Display name").fill(typist.account.display_name)
    page.close(run_before_unload=True)
    page.wait_for_timeout(500)  # the browser asks in its own time
    assert asked == ["beforeunload"]
    assert "a secret" not in str(page.evaluate("JSON.stringify(sessionStorage)"))


def test_a_saved_form_of_a_page_leaves_no_draft_and_asks_nothing(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/billing")
    asked = heard(page, leaves=True)
    settle(page)
    form = page.get_by_test_id("alerts-form")
    form.get_by_role("switch", name="Warn ahead").click()
    form.get_by_label("Threshold", exact=True).fill("55 %")
    form.get_by_role("button", name="Save alerts").click()
    expect(form).to_contain_text("Saved.")
    go(page, portal.url + "/user/profile")
    page.get_by_label("Display name").fill("Another")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_test_id("profile-form")).to_contain_text("Saved.")
    go(page, portal.url + "/user/billing")
    expect(form.get_by_label("Threshold", exact=True)).to_have_value("55")
    assert asked == []
    assert drafts(page) == []


def test_a_draft_of_a_form_does_not_replace_what_was_saved_since(portal: Portal, typist: Person, visit: Visit) -> None:
    page = visit(typist, "/user/billing")
    settle(page)
    form = page.get_by_test_id("alerts-form")
    form.get_by_role("switch", name="Enable alerts").click()
    form.get_by_label("Threshold", exact=True).fill("55")
    form.get_by_label("Alert email").fill("typed@example.org")
    portal.run(change_alerts, acting(typist.account), False, 66, None, datetime.now(UTC))
    load_again(page)
    expect(form.get_by_label("Alert email")).to_have_value("typed@example.org")
    expect(form.get_by_label("Threshold", exact=True)).to_have_value("66")
    expect(form.get_by_role("switch", name="Enable alerts")).to_be_checked()
