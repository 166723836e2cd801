"""The sign-in form, filled by a person or a password manager."""

from collections.abc import Callable

import httpx
from playwright.sync_api import Page, expect

from tests.browser.conftest import Portal

Visit = Callable[..., Page]


def test_a_person_signs_in_and_comes_to_the_page_asked_for(portal: Portal, visit: Visit) -> None:
    person = portal.person("sigrid")
    page = visit(None, "/user/usage?range=30")
    page.wait_for_url("**/user/login?**")
    expect(page.get_by_label("Username")).to_have_attribute("autocomplete", "username")
    expect(page.get_by_label("Password", exact=True)).to_have_attribute("autocomplete", "current-password")
    page.get_by_label("Username").fill("sigrid")
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/user/usage?range=30")
    cookie = next(c for c in page.context.cookies() if c["name"] == "portal_session")
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"


def test_signing_out_ends_the_session_in_every_tab(portal: Portal, visit: Visit) -> None:
    person = portal.person("outis")
    page = visit(person, "/user/dashboard")
    other = page.context.new_page()
    other.goto(portal.url + "/user/billing")
    other.wait_for_function("() => window.did_handshake === true")
    page.get_by_test_id("account-menu").click()
    page.get_by_role("menuitem", name="Sign out").click()
    page.wait_for_url("**/user/login**")
    other.wait_for_url("**/user/login**")
    answer = httpx.get(f"{portal.url}/user/api/budget", headers={"Cookie": f"portal_session={person.session}"})
    assert answer.status_code == httpx.codes.UNAUTHORIZED


def test_a_wrong_password_says_so_and_keeps_the_name(portal: Portal, visit: Visit) -> None:
    portal.person("wanda")
    page = visit(None, "/user/login")
    page.get_by_label("Username").fill("wanda")
    page.get_by_label("Password", exact=True).fill("not her password")
    with page.expect_response("**/user/login") as answer:
        page.get_by_role("button", name="Sign in").click()
    assert answer.value.status == httpx.codes.UNAUTHORIZED
    expect(page.get_by_role("alert")).to_contain_text("do not match")
    expect(page.get_by_label("Username")).to_have_value("wanda")


def test_the_portal_asks_nobody_else_for_anything(portal: Portal, visit: Visit) -> None:
    person = portal.person("insula")
    page = visit(person, "/user/dashboard")
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    for path in ("/user/dashboard", "/user/billing", "/user/usage", "/user/keys", "/user/profile", "/user/login"):
        page.goto(portal.url + path)
        page.wait_for_timeout(300)
    foreign = {
        url for url in asked if not url.startswith((portal.url, portal.url.replace("http", "ws"), "data:", "blob:"))
    }
    assert foreign == set()


def test_first_sign_in_uses_the_zone_of_the_browser(portal: Portal, visit: Visit) -> None:
    person = portal.person("primus", zone="")
    page = visit(None, "/user/login", zone="America/Santiago")
    loads: list[str] = []
    page.on("framenavigated", lambda frame: loads.append(frame.url))
    page.get_by_label("Username").fill("primus")
    page.get_by_label("Password", exact=True).fill(person.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/user/dashboard")
    expect(page.get_by_test_id("usage-chart")).to_contain_text("your time")
    page.wait_for_timeout(1500)  # it must not be loaded again
    assert [url for url in loads if url.endswith("/user/dashboard")] == [f"{portal.url}/user/dashboard"]
    expect(page.locator(".nicegui-layout")).to_have_attribute("data-zone", "America/Santiago")
