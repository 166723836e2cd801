"""The profile form in a real browser."""

from collections.abc import Callable
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from portal.actions.people.sessions import Browser, open_session_for
from tests.browser.conftest import Portal

Visit = Callable[..., Page]


def test_time_zone_changes_the_times_of_requests(portal: Portal, visit: Visit) -> None:
    person = portal.person("zoe", zone="UTC")
    portal.report(person, {"requested_at": "2026-01-15T12:00:00Z"})
    page = visit(person, "/user/usage?from=2026-01-15&to=2026-01-15")
    expect(page.get_by_test_id("usage-table")).to_contain_text("12:00")
    page.goto(portal.url + "/user/profile")
    form = page.get_by_test_id("profile-form")
    zone = form.get_by_label("Time zone")
    zone.fill("Kolkata")
    page.get_by_role("option", name="Asia/Kolkata").click()
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Saved.")
    page.goto(portal.url + "/user/usage?from=2026-01-15&to=2026-01-15")
    expect(page.get_by_test_id("usage-table")).to_contain_text("17:30")
    expect(page.get_by_test_id("usage-pager")).to_contain_text("Asia/Kolkata")


def test_a_new_password_ends_the_other_sessions(portal: Portal, visit: Visit) -> None:
    person = portal.person("petra")
    portal.run(open_session_for, person.account.id, Browser("elsewhere", "192.0.2.7"), datetime.now(UTC))
    page = visit(person, "/user/profile")
    expect(page.get_by_test_id("sessions-table").locator("tbody tr")).to_have_count(2)
    form = page.get_by_test_id("password-form")
    form.get_by_label("Current password").fill("wrong")
    form.get_by_label("New password", exact=True).fill("a completely new one")
    form.get_by_label("Repeat new password").fill("a completely new one")
    form.get_by_role("button", name="Change password").click()
    expect(form).to_contain_text("not your current password")
    form.get_by_label("Current password").fill(person.password)
    form.get_by_role("button", name="Change password").click()
    expect(page.get_by_test_id("sessions-table").locator("tbody tr")).to_have_count(1)


def test_the_first_browser_gives_an_account_its_time_zone(portal: Portal, visit: Visit) -> None:
    person = portal.person("nino", zone="")
    page = visit(person, "/user/usage", zone="America/Santiago")
    expect(page.get_by_test_id("usage-pager")).to_contain_text("America/Santiago")


def test_chosen_language_is_that_of_the_page_at_once(portal: Portal, visit: Visit) -> None:
    page = visit(portal.person("gerlinde"), "/user/profile")
    form = page.get_by_test_id("profile-form")
    form.get_by_label("Language").click()
    page.get_by_role("option", name="Deutsch").click()
    form.get_by_role("button", name="Save").click()
    expect(form).to_contain_text("Gespeichert.")
    expect(page).to_have_title("Profil · MoE Portal")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.evaluate("window.socket.disconnect()")
    expect(page.locator("#offline")).to_contain_text("Keine Verbindung zum Portal.")
    page.get_by_role("button", name="Jetzt versuchen").click()
    expect(page.locator("#offline")).to_be_hidden()
