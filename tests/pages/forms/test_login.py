"""Signing in and out through the form."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from nicegui import Client
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from portal.actions.people.accounts import set_active
from portal.actions.people.acting import act_as
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.pages.addresses import own_path
from portal.views.people.accounts import load_viewer
from tests.cast import NOW, OPERATOR, PASSWORD, create_member, run
from tests.portals import FORM, HERE, running_portal

ELSEWHERE = [
    pytest.param("https://evil.example/", id="another site"),
    pytest.param("//evil.example/", id="the same without scheme"),
    pytest.param("///evil.example/", id="with a slash more"),
    pytest.param("/\\evil.example/", id="with a backslash"),
    pytest.param("\\\\evil.example/", id="with two"),
    pytest.param("/\t/evil.example/", id="with a tab in between"),
    pytest.param("/\n/evil.example/", id="with a line end"),
    pytest.param("\x00//evil.example/", id="with a NUL in front"),
    pytest.param(" //evil.example/", id="with a space in front"),
    pytest.param("/user/\x7f", id="with a control character"),
    pytest.param("/user/usage\r\nSet-Cookie: a=b", id="with a header"),
    pytest.param("/user/\u2028", id="with a line separator"),
    pytest.param("/..//evil.example/", id="by way of the parent"),
    pytest.param("/user//evil.example", id="with an empty step"),
    pytest.param("javascript:alert(1)", id="a script"),
    pytest.param("data:text/html,x", id="a document"),
    pytest.param("user/usage", id="a relative path"),
    pytest.param("?next=/user/usage", id="a query alone"),
    pytest.param("@evil.example", id="a user name"),
    pytest.param(".evil.example", id="the end of a host"),
    pytest.param("/user/login", id="the form itself"),
    pytest.param("/user/login?next=/user/usage", id="the form with a way on"),
    pytest.param("/user/logout", id="the way out"),
    pytest.param("/", id="the front door"),
    pytest.param("", id="nothing"),
    pytest.param("/" + "x" * 2000, id="too long"),
]
OURS = [
    pytest.param("/user/dashboard", id="a page"),
    pytest.param("/user/usage?range=30&mode=a%2Fb&token_name=x//y", id="with its filters"),
    pytest.param("/admin/users", id="another tree"),
    pytest.param("/user/usage?from=2026-11-01#top", id="with a place on it"),
]


def sign_in(browser: TestClient, username: str = "alice", password: str = PASSWORD, **fields: str):
    return browser.post("/user/login", data={"username": username, "password": password, **fields})


@pytest.mark.parametrize("text", ELSEWHERE)
def test_nobody_is_sent_elsewhere(text: str) -> None:
    assert own_path(text) is None


@pytest.mark.parametrize("text", OURS)
def test_people_get_where_they_wanted_to_go(text: str) -> None:
    assert own_path(text) == text


def test_the_form_is_one_that_password_managers_fill(browser: TestClient) -> None:
    answer = browser.get("/user/login")
    assert answer.status_code == 200
    assert "<title>Sign in · MoE Portal</title>" in answer.text
    assert "<h1>Sign in</h1>" in answer.text
    assert re.search(r'<form [^>]*method="post" action="/user/login"', answer.text)
    assert re.search(r'<label [^>]*for="username">Username</label>', answer.text)
    assert re.search(r'<input id="username" name="username" [^>]*autocomplete="username"', answer.text)
    assert re.search(r'<input id="password" name="password" type="password" [^>]*autocomplete="current-password"',
                     answer.text)  # fmt: skip
    assert re.search(r'<a href="/user/forgot-password">Forgot password\?</a>', answer.text)
    assert 'role="alert"' not in answer.text


def test_the_form_says_whose_portal_it_is(db: Database, settings_env: Callable[..., None]) -> None:
    settings_env(organisation="Lahn <University>")
    with running_portal() as browser:
        assert "MoE Portal · Lahn &lt;University&gt;" in browser.get("/user/login").text


def test_nothing_in_the_form_runs_unless_it_was_marked(browser: TestClient) -> None:
    answer = browser.get("/user/login")
    nonce = answer.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
    assert re.findall(r"<script[^>]*>", answer.text) == [
        re.search(r'<script src="/static/login\.js\?v=\w+" nonce="NONCE" defer>'.replace("NONCE", nonce),
                  answer.text)[0]  # type: ignore[index]  # absent is a failure too
    ]  # fmt: skip
    assert not re.search(r"\son\w+=|\sstyle=|<style", answer.text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", answer.text)


def test_signing_in_leads_to_the_dashboard(browser: TestClient, alice: Account) -> None:
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/dashboard")
    assert browser.get("/user/dashboard").status_code == 200


def test_the_user_name_may_be_written_as_people_do(browser: TestClient, alice: Account) -> None:
    assert sign_in(browser, " Alice ").status_code == 303


def test_a_bookmark_survives_signing_in(browser: TestClient, alice: Account) -> None:
    asked = "/user/dashboard?range=30&token_name=caf%C3%A9"
    to_form = browser.get(asked).headers["location"]
    assert to_form.startswith("/user/login?next=%2Fuser%2Fdashboard%3F")
    hidden = re.search(r'<input type="hidden" name="next" value="([^"]+)">', browser.get(to_form).text)
    assert hidden is not None
    assert sign_in(browser, next=hidden[1].replace("&amp;", "&")).headers["location"] == asked


def test_a_forged_next_leads_to_the_dashboard(
    browser: TestClient, alice: Account, sign_in_as: Callable[[Account], str]
) -> None:
    browser.cookies.set("portal_session", sign_in_as(alice))
    for case in ELSEWHERE:
        answer = browser.get("/user/login", params={"next": str(case.values[0])})
        assert answer.headers["location"] == "/user/dashboard", case.id


def test_a_forged_next_in_the_form_leads_to_the_dashboard(browser: TestClient, alice: Account) -> None:
    assert sign_in(browser, next="//evil.example").headers["location"] == "/user/dashboard"


def test_who_is_signed_in_is_sent_on(browser: TestClient, alice: Account, sign_in_as: Callable[[Account], str]) -> None:
    browser.cookies.set("portal_session", sign_in_as(alice))
    answer = browser.get("/user/login?next=/user/usage%3Frange%3D7")
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/usage?range=7")


def test_the_cookie_is_for_the_server_alone(browser: TestClient, alice: Account) -> None:
    cookie = sign_in(browser).headers["set-cookie"]
    name, *flags = cookie.split("; ")
    assert name.startswith("portal_session=")
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(flags)
    assert "Secure" not in flags
    assert "Domain" not in cookie


def test_under_https_the_cookie_is_for_this_host_alone(
    db: Database, alice: Account, settings_env: Callable[..., None]
) -> None:
    settings_env(base_url="https://portal.example.org")
    with running_portal("https://portal.example.org") as browser:
        cookie = sign_in(browser).headers["set-cookie"]
        assert cookie.startswith("__Host-portal=")
        assert {"HttpOnly", "SameSite=lax", "Path=/", "Secure"} <= set(cookie.split("; "))
        assert browser.get("/user/dashboard").status_code == 200
        assert "__Host-portal-page" in browser.cookies


def test_signing_in_makes_a_new_session_and_ends_the_old_one(browser: TestClient, alice: Account) -> None:
    browser.cookies.set("portal_session", "planted-by-somebody", domain="127.0.0.1")
    sign_in(browser)
    first = browser.cookies.get("portal_session", domain="127.0.0.1")
    sign_in(browser)
    second = browser.cookies.get("portal_session", domain="127.0.0.1")
    assert len({"planted-by-somebody", first, second}) == 3
    browser.cookies.clear()
    assert browser.get("/user/dashboard", headers={"Cookie": f"portal_session={second}"}).status_code == 200
    assert browser.get("/user/dashboard", headers={"Cookie": f"portal_session={first}"}).status_code == 303


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("alice", "not her password", id="a wrong password"),
        pytest.param("nobody", PASSWORD, id="an unknown name"),
        pytest.param("' OR 1=1 --", PASSWORD, id="no name at all"),
        pytest.param("a" * 5000, "p" * 5000, id="far too long"),
        pytest.param("alice\x00", PASSWORD, id="a NUL"),
        pytest.param("alice", f"{PASSWORD}\x00", id="a NUL behind the right password"),
    ],
)
def test_wrong_credentials_come_back_with_the_form(
    browser: TestClient, alice: Account, username: str, password: str
) -> None:
    answer = sign_in(browser, username, password, next="/user/usage?range=7")
    assert answer.status_code == 401
    assert "That username and password do not match. Try again, or ask your administrator" in answer.text
    assert re.search(r'<div [^>]*role="alert" id="problem">', answer.text)
    assert re.search(r'<input id="password" [^>]*aria-describedby="problem" aria-invalid="true"', answer.text)
    assert 'name="next" value="/user/usage?range=7"' in answer.text
    assert password not in answer.text
    assert "set-cookie" not in answer.headers


def test_the_user_name_is_kept_and_nothing_in_it_runs(browser: TestClient, alice: Account) -> None:
    assert 'name="username" type="text" value="alice"' in sign_in(browser, "alice", "wrong").text
    text = sign_in(browser, '"><script>alert(1)</script>', "wrong").text
    assert "<script>" not in text
    assert "&#34;&gt;&lt;script&gt;" in text


@pytest.mark.parametrize(("username", "password"), [("", PASSWORD), ("alice", ""), ("  ", "x")])
def test_an_empty_field_is_no_try(browser: TestClient, alice: Account, username: str, password: str) -> None:
    for _ in range(7):
        answer = sign_in(browser, username, password)
        assert (answer.status_code, "Enter your username" in answer.text) == (422, True)


def test_a_suspended_account_looks_like_an_unknown_one(browser: TestClient, alice: Account) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert sign_in(browser).status_code == 401


def test_too_many_tries_have_to_wait_also_after_a_restart(db: Database, alice: Account) -> None:
    with time_machine.travel(NOW, tick=False), running_portal() as browser:
        for _ in range(5):
            assert sign_in(browser, "alice", "wrong").status_code == 401
        answer = sign_in(browser, "alice", PASSWORD)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "16")
        assert "Too many tries. Try again in 16 seconds." in answer.text
        assert 'value="alice"' in answer.text
    with time_machine.travel(NOW + timedelta(seconds=14), tick=False), running_portal() as browser:
        assert sign_in(browser).status_code == 429
    with time_machine.travel(NOW + timedelta(seconds=16), tick=False), running_portal() as browser:
        assert sign_in(browser).status_code == 303


def test_long_wait_is_shown_in_minutes(browser: TestClient, alice: Account) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        for _ in range(9):
            assert sign_in(browser, "alice", "wrong").status_code == 401
            clock.shift(timedelta(minutes=15))
        clock.shift(timedelta(minutes=-15))
        answer = sign_in(browser, "alice", "wrong")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "241")
    assert "Too many tries. Try again in 5 minutes." in answer.text


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({"Content-Type": "application/json"}, b'{"username":"alice"}', 415, id="JSON"),
        pytest.param({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415, id="a form with files"),
        pytest.param({"Content-Type": "text/plain"}, b"username=alice&password=x", 415, id="text"),
        pytest.param({}, b"username=alice", 415, id="no type"),
        pytest.param(FORM, b"username=" + b"a" * 20_001, 413, id="too large"),
        pytest.param(FORM, b"username=a&username=b&password=x", 422, id="a field twice"),
        pytest.param(FORM, b"username=a&password=x&role=admin", 422, id="an unknown field"),
        pytest.param(FORM, b"", 422, id="no field"),
        pytest.param(FORM, b"username=%ff%fe&password=%00", 401, id="no text"),
        pytest.param(FORM, b"username=%ed%a0%80&password=%ed%a0%80", 401, id="half a character"),
        pytest.param({**FORM, "Origin": "https://evil.example"}, b"username=a&password=x", 403, id="another site"),
        pytest.param({**FORM, "Sec-Fetch-Site": "cross-site"}, b"username=a&password=x", 403, id="the browser says so"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(
    browser: TestClient, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = browser.post("/user/login", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert "set-cookie" not in answer.headers


def test_signing_out_ends_the_session_and_its_pages(browser: TestClient, alice: Account) -> None:
    sign_in(browser)
    token = browser.cookies["portal_session"]
    assert browser.get("/user/dashboard").status_code == 200
    assert len(Client.instances) == 1
    answer = browser.post("/user/logout", headers={**FORM, "Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/login")
    assert 'portal_session=""' in answer.headers["set-cookie"]
    assert Client.instances == {}
    assert browser.get("/user/dashboard", headers={"Cookie": f"portal_session={token}"}).status_code == 303


def test_signing_out_leaves_the_pages_of_others_alone(
    browser: TestClient, alice: Account, bob: Account, sign_in_as: Callable[[Account], str]
) -> None:
    browser.get("/user/dashboard", headers={"Cookie": f"portal_session={sign_in_as(bob)}"})
    sign_in(browser)
    browser.post("/user/logout", headers=FORM)
    assert len(Client.instances) == 1


def test_signing_out_twice_is_signing_out(browser: TestClient) -> None:
    assert browser.post("/user/logout", headers=FORM).headers["location"] == "/user/login"


def test_another_site_signs_nobody_out(browser: TestClient, alice: Account) -> None:
    sign_in(browser)
    assert browser.post("/user/logout", headers={**FORM, "Origin": "https://evil.example"}).status_code == 403
    assert browser.get("/user/dashboard").status_code == 200


def test_a_link_signs_nobody_out(browser: TestClient, alice: Account) -> None:
    sign_in(browser)
    assert browser.get("/user/logout").status_code == 405
    assert browser.get("/user/dashboard").status_code == 200


def test_exit_ends_acting_as_a_person_and_its_pages(browser: TestClient, alice: Account, admin: Account) -> None:
    sign_in(browser, "root")
    viewer = run(load_viewer, browser.cookies["portal_session"], utc_now())
    assert viewer is not None
    act_as(viewer.actor, viewer.session_id, alice.id, "", utc_now())
    page = browser.get("/user/dashboard")
    assert "You see the portal as Alice." in page.text
    assert browser.get("/user/login?next=/admin/accounts/1").headers["location"] == "/user/dashboard"
    refused = browser.get("/admin/gateways")
    assert (refused.status_code, "You see the portal as Alice." in refused.text) == (403, True)
    assert len(Client.instances) == 1
    answer = browser.post("/user/exit", headers={**FORM, "Origin": HERE})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/admin/accounts/{alice.id}")
    assert Client.instances == {}
    assert browser.get("/admin/gateways").status_code == 200
    assert browser.post("/user/exit", headers=FORM).headers["location"] == "/user/dashboard"


def test_without_a_database_the_form_says_so(
    browser: TestClient, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    from portal.errors import Unavailable

    def rest(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("portal.pages.forms.login.sign_in", rest)
    answer = sign_in(browser)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert 'value="alice"' in answer.text


@pytest.mark.parametrize(
    ("browser_zone", "kept"),
    [
        pytest.param("America/Santiago", "America/Santiago", id="a zone"),
        pytest.param("Mars/Olympus", None, id="no zone"),
        pytest.param("America/Santiago" + " " * 5000, None, id="far too long"),
        pytest.param("", None, id="a browser without scripts"),
    ],
)
def test_sign_in_stores_the_time_zone_of_the_browser(
    browser: TestClient, db: Database, alice: Account, browser_zone: str, kept: str | None
) -> None:
    run(forget_zone, alice.id)
    assert sign_in(browser, time_zone=browser_zone).status_code == 303
    assert run(zone_of, alice.id) == kept


def test_a_time_zone_once_chosen_stays(browser: TestClient, db: Database, alice: Account) -> None:
    before = run(zone_of, alice.id)
    assert before is not None
    sign_in(browser, time_zone="America/Santiago")
    assert run(zone_of, alice.id) == before


def forget_zone(session: Session, account_id: int) -> None:
    session.get_one(Account, account_id).time_zone = None


def zone_of(session: Session, account_id: int) -> str | None:
    return session.get_one(Account, account_id).time_zone


GERMAN = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}


@pytest.mark.parametrize("path", ["/user/login", "/user/forgot-password", "/user/setup?token=x", "/user/nowhere"])
def test_pages_before_sign_in_follow_the_browser(browser: TestClient, path: str) -> None:
    assert '<html lang="de">' in browser.get(path, headers=GERMAN).text
    assert '<html lang="en">' in browser.get(path, headers={"Accept-Language": "fr"}).text
    assert '<html lang="en">' in browser.get(path).text


def test_refusals_are_written_in_the_browsers_language(browser: TestClient, alice: Account) -> None:
    form = {"username": "alice", "password": "wrong"}
    answer = browser.post("/user/login", data=form, headers=GERMAN)
    assert "Benutzername und Passwort passen nicht zusammen." in answer.text
    assert "<title>Anmelden · MoE Portal</title>" in answer.text
    assert "do not match" in browser.post("/user/login", data=form).text


def test_first_sign_in_speaks_the_browsers_language(browser: TestClient, alice: Account) -> None:
    create_member("dora", time_zone=None)
    for name, language in (("dora", "de"), ("alice", "en")):
        form = {"username": name, "password": PASSWORD, "time_zone": "Europe/Berlin"}
        assert browser.post("/user/login", data=form, headers=GERMAN).status_code == 303
        assert f'<html lang="{language}">' in browser.get("/user/nowhere", headers={"Accept-Language": "fr"}).text
