"""The forms for a forgotten password."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from nicegui import Client
from sqlalchemy import event, select
from starlette.testclient import TestClient

from portal.actions.people.accounts import set_active
from portal.actions.people.password_resets import LinkEnded
from portal.db.sql.session import Database, database
from portal.db.tables import Account, OutboxMessage
from portal.errors import Unavailable
from portal.rules.outbox import LINK_LASTS
from portal.rules.people.throttling import FREE_TRIES
from tests.cast import NOW, OPERATOR, PASSWORD, run
from tests.portals import FORM, HERE, running_portal

NEW = "a cup of warm milk"
ASKED = "/user/forgot-password?asked"
TAKES_A_WHILE = "If there is an account with this address, a mail with a link is on its way. It works for 30 minutes."


@pytest.fixture
def browser(db: Database, settings_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A browser at a portal that queues mails and does not send them."""

    async def rest() -> None:
        return

    monkeypatch.setattr("portal.jobs.outbox.run_outbox", rest)
    settings_env(base_url=HERE, smtp_host="mail.example.org", smtp_from="portal@example.org")
    with running_portal() as client:
        yield client


def ask(browser: TestClient, email: str = "alice@example.org", **headers: str):
    return browser.post("/user/forgot-password", data={"email": email}, headers=headers)


def mails() -> list[OutboxMessage]:
    return list(run(lambda session: session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)).all()))


def link(browser: TestClient) -> str:
    """Ask for a link by mail; return it."""
    ask(browser)
    (found,) = re.findall(r"^http\S+$", mails()[-1].text, re.MULTILINE)
    return str(found)


def token(browser: TestClient) -> str:
    return link(browser).partition("?token=")[2]


def reset(browser: TestClient, token: str, password: str = NEW, repeated: str = NEW):
    return browser.post("/user/reset-password", data={"token": token, "password": password, "repeated": repeated})


def signs_in(browser: TestClient, password: str) -> bool:
    return browser.post("/user/login", data={"username": "alice", "password": password}).status_code == 303


def test_the_form_asks_for_the_address(browser: TestClient) -> None:
    answer = browser.get("/user/forgot-password")
    assert answer.status_code == 200
    assert "<title>Forgot password · MoE Portal</title>" in answer.text
    assert "<h1>Forgot password</h1>" in answer.text
    assert re.search(r'<form [^>]*method="post" action="/user/forgot-password"', answer.text)
    assert re.search(r'<label [^>]*for="email">Email</label>', answer.text)
    assert re.search(r'<input id="email" name="email" type="email" [^>]*autocomplete="email"', answer.text)
    assert "<script" not in answer.text


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org", "suspended@example.org"])
def test_known_and_unknown_addresses_get_the_same_answer(
    browser: TestClient, alice: Account, bob: Account, email: str
) -> None:
    def rename(session: Any) -> None:
        session.get_one(Account, bob.id).email = "suspended@example.org"

    run(rename)
    run(set_active, OPERATOR, bob.id, False, NOW)
    answer = ask(browser, email)
    assert (answer.status_code, answer.headers["location"], answer.text) == (303, ASKED, "")
    assert "set-cookie" not in answer.headers
    expected = {"location", "content-length", "cache-control", "referrer-policy", "x-content-type-options"}
    assert expected <= answer.headers.keys()
    assert len(mails()) == (email == alice.email)
    page = browser.get(ASKED)
    assert TAKES_A_WHILE in page.text
    assert "@" not in page.text


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
async def test_nobody_is_looked_for_before_the_answer_has_gone_out(
    browser: TestClient, alice: Account, email: str
) -> None:
    """The queries before the answer are the same for all addresses."""
    happened: list[str] = []

    def hear(_: object, __: object, statement: str, *___: object) -> None:
        happened.append(" ".join(statement.split()[:3]))

    async def send(message: Any) -> None:
        happened.append(message["type"])

    async def receive() -> Any:
        return {"type": "http.request", "body": f"email={email}".encode(), "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/user/forgot-password",
        "raw_path": b"/user/forgot-password",
        "query_string": b"",
        "headers": [(b"host", b"127.0.0.1:8080"), (b"content-type", b"application/x-www-form-urlencoded")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8080),
        "scheme": "http",
        "root_path": "",
        "http_version": "1.1",
    }
    event.listen(database().engine, "before_cursor_execute", hear)
    try:
        await browser.app(scope, receive, send)
    finally:
        event.remove(database().engine, "before_cursor_execute", hear)
    answered = happened.index("http.response.body")
    per_try = ["INSERT INTO sign_in_failures", "SELECT sign_in_failures.scope, sign_in_failures.name,"]
    before = [query for query in happened[:answered] if not query.startswith(("BEGIN", "http."))]
    assert before == [*per_try, "INSERT INTO sign_in_failures"] * 2
    assert any(query.startswith("SELECT accounts.id,") for query in happened[answered:])


def test_link_has_the_public_address_for_any_host(
    db: Database, alice: Account, settings_env: Callable[..., None]
) -> None:
    settings_env(
        base_url="https://portal.example.org",
        allowed_hosts="evil.example",
        smtp_host="mail.example.org",
        smtp_from="portal@example.org",
    )
    with running_portal("https://evil.example") as client:
        assert link(client).startswith("https://portal.example.org/user/reset-password?token=")


@pytest.mark.parametrize(
    "email", ["", "nobody", "a@b@c", "alice@example.org\n", "x" * 300 + "@example.org", "\x00@a.b"]
)
def test_invalid_address_is_refused_beside_the_field(browser: TestClient, alice: Account, email: str) -> None:
    answer = ask(browser, email)
    assert answer.status_code == 422
    assert re.search(r'<input id="email" [^>]*aria-describedby="email-error[^>]*aria-invalid="true"', answer.text)
    assert 'id="email-error"' in answer.text
    assert mails() == []


def test_the_address_is_kept_and_nothing_in_it_runs(browser: TestClient) -> None:
    assert 'value="&lt;script&gt;"' in ask(browser, "<script>").text


@pytest.mark.parametrize("email", ["alice@example.org", "nobody@example.org"])
def test_who_asks_again_and_again_waits(browser: TestClient, alice: Account, email: str) -> None:
    with time_machine.travel(NOW, tick=False):
        for _ in range(FREE_TRIES["reset"]):
            assert ask(browser, email).status_code == 303
        answer = ask(browser, email)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "16")
    assert "That was asked for several times. Try again in 16 seconds." in answer.text
    assert f'value="{email}"' in answer.text


def test_where_no_mail_is_sent_an_administrator_helps(db: Database, alice: Account) -> None:
    with running_portal() as browser:
        for answer in (browser.get("/user/forgot-password"), browser.get(ASKED)):
            assert answer.status_code == 200
            assert "Passwords are reset by an administrator here." in answer.text
            assert "<form" not in answer.text
        answers = [ask(browser, email) for email in ("alice@example.org", "nobody@example.org")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].text == answers[1].text
    assert mails() == []


def test_the_sign_in_form_leads_here_after_a_wrong_password(browser: TestClient, alice: Account) -> None:
    answer = browser.post("/user/login", data={"username": "alice", "password": "wrong"})
    assert "do not match. Try again; if you have forgotten the password, you can set a new one." in answer.text
    assert '<a href="/user/forgot-password">' in answer.text


def test_the_link_shows_a_form_that_password_managers_fill(browser: TestClient, alice: Account) -> None:
    answer = browser.get(link(browser))
    assert answer.status_code == 200
    assert "<title>Reset password · MoE Portal</title>" in answer.text
    assert "<h1>Reset password</h1>" in answer.text
    assert re.search(r'<form [^>]*method="post" action="/user/reset-password"', answer.text)
    assert re.search(r'<input id="username" [^>]*value="alice"[^>]*autocomplete="username" readonly', answer.text)
    for name in ("password", "repeated"):
        assert re.search(rf'<input id="{name}" name="{name}" type="password" [^>]*autocomplete="new-pass', answer.text)
    assert "set-cookie" not in answer.headers


def test_link_is_sent_to_no_other_site(browser: TestClient, alice: Account) -> None:
    """Under `no-referrer` browsers would send the form with `Origin: null`, which is refused."""
    answer = browser.get(link(browser))
    assert answer.headers["referrer-policy"] == "strict-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert "no-referrer" not in answer.text
    assert browser.get("/user/setup?token=x").headers["referrer-policy"] == "strict-origin"
    assert browser.get("/user/login").headers["referrer-policy"] == "same-origin"


def test_opening_the_link_changes_nothing(browser: TestClient, alice: Account) -> None:
    opened = link(browser)
    read: list[str] = []
    written: list[str] = []

    def hear(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("SELECT"):
            read.append(statement)
        elif statement != "BEGIN":
            written.append(statement)

    event.listen(database().engine, "before_cursor_execute", hear)
    try:
        for _ in range(3):
            assert browser.get(opened).status_code == 200
    finally:
        event.remove(database().engine, "before_cursor_execute", hear)
    assert len(written) == 0
    assert len(read) == 3
    assert signs_in(browser, PASSWORD)
    assert reset(browser, opened.partition("?token=")[2]).status_code == 303


def test_setting_the_password_leads_to_the_sign_in_form(browser: TestClient, alice: Account) -> None:
    answer = reset(browser, token(browser))
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/login?changed")
    assert "set-cookie" not in answer.headers
    assert "Your password has been changed. Sign in with it." in browser.get("/user/login?changed").text
    assert not signs_in(browser, PASSWORD)
    assert signs_in(browser, NEW)
    assert [mail.kind for mail in mails()] == ["reset", "notice"]


def test_pages_that_are_open_are_closed(
    browser: TestClient, alice: Account, bob: Account, sign_in_as: Callable[[Account], str]
) -> None:
    alices = {"Cookie": f"portal_session={sign_in_as(alice)}"}
    for cookie in (alices, {"Cookie": f"portal_session={sign_in_as(bob)}"}):
        assert browser.get("/user/dashboard", headers=cookie).status_code == 200
    assert len(Client.instances) == 2
    reset(browser, token(browser))
    assert len(Client.instances) == 1
    assert browser.get("/user/dashboard", headers=alices).status_code == 303


@pytest.mark.parametrize(
    ("password", "repeated", "field", "sentence"),
    [
        pytest.param("short", "short", "password", "Use at least 10 characters.", id="too short"),
        pytest.param(NEW, NEW + "!", "repeated", "The two passwords differ.", id="not the same"),
        pytest.param("", "", "password", "Use at least 10 characters.", id="none"),
    ],
)
def test_invalid_password_is_refused_beside_the_field(
    browser: TestClient, alice: Account, password: str, repeated: str, field: str, sentence: str
) -> None:
    given = token(browser)
    answer = reset(browser, given, password, repeated)
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error">{re.escape(sentence)}', answer.text)
    assert re.search(r'<input id="username" [^>]*value="alice"', answer.text)
    assert f'name="token" value="{given}"' in answer.text
    assert not password or password not in answer.text
    assert signs_in(browser, PASSWORD)
    assert reset(browser, given).status_code == 303


def test_a_link_that_has_ended_says_how_to_get_another(browser: TestClient, alice: Account) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        used, over = token(browser), token(browser)
        clock.shift(LINK_LASTS)
        unused = [over, "", "never-given", "<script>", "x" * 5000]
        answers = [browser.get("/user/reset-password", params={"token": each}) for each in unused]
        answers += [reset(browser, each) for each in unused]
        clock.shift(-LINK_LASTS)
        assert reset(browser, used).status_code == 303
        answers += [reset(browser, used), browser.get(f"/user/reset-password?token={used}")]
    assert {answer.status_code for answer in answers} == {404}
    for answer in answers:
        assert str(LinkEnded.sentence) in answer.text
        assert 'href="/user/forgot-password">Ask for another link</a>' in answer.text
        assert "<form" not in answer.text


@pytest.mark.parametrize("path", ["/user/forgot-password", "/user/reset-password"])
@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        pytest.param({"Content-Type": "application/json"}, b"{}", 415, id="JSON"),
        pytest.param(FORM, b"token=" + b"a" * 20_001, 413, id="too large"),
        pytest.param(FORM, b"email=a&token=b", 422, id="an unknown field"),
        pytest.param(FORM, b"password=a&password=b&email=a&email=b", 422, id="a field twice"),
        pytest.param({**FORM, "Origin": "https://evil.example"}, b"", 403, id="another site"),
        pytest.param({**FORM, "Origin": "null"}, b"", 403, id="nowhere"),
        pytest.param({**FORM, "Sec-Fetch-Site": "cross-site"}, b"", 403, id="the browser says so"),
    ],
)
def test_what_is_no_form_of_ours_is_refused(
    browser: TestClient, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    assert browser.post(path, content=content, headers=headers).status_code == status


def test_answers_are_the_same_without_a_database(
    browser: TestClient, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rest(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("portal.pages.forms.password_resets.count_ask", rest)
    answers = [ask(browser, email) for email in ("alice@example.org", "nobody@example.org")]
    assert [answer.status_code for answer in answers] == [503, 503]
