"""The first start: one link, used once, creates the first administrator."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from portal.db.people.accounts import account_named, count_accounts
from portal.db.spending.default_budgets import default_budgets
from portal.db.spending.prices import price_book
from portal.db.sql.schema import pinned_budget_timezone
from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account, UsageCounter
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import PriceBook
from portal.settings import settings
from tests.cast import Gateway, create_member, report, run, send
from tests.portals import FORM, running_portal

GOOD = {
    "username": "Root",
    "email": "root@example.org",
    "password": "four words are enough",
    "repeated": "four words are enough",
}


def printed_link(output: str) -> str:
    """Return the path of the link in the output."""
    (link,) = re.findall(r"^http://127\.0\.0\.1:8080(/user/setup\?token=[\w-]{43})$", output, re.MULTILINE)
    return str(link)


@pytest.fixture
def browser(capsys: pytest.CaptureFixture[str], db: Database) -> Iterator[TestClient]:
    """A browser at a portal of which the output is captured from its start on."""
    with running_portal() as client:
        yield client


@pytest.fixture
def link(browser: TestClient, capsys: pytest.CaptureFixture[str]) -> str:
    return printed_link(capsys.readouterr().out)


def test_the_link_shows_the_form(browser: TestClient, link: str) -> None:
    answer = browser.get(link)
    assert answer.status_code == 200
    assert "<h1>Create the first administrator</h1>" in answer.text
    for name, label in (("username", "Username"), ("email", "Email"), ("password", "Password")):
        assert re.search(rf'<label [^>]*for="{name}">{label}</label>', answer.text)
    assert answer.text.count('autocomplete="new-password"') == 2
    assert not re.search(r"\son\w+=|\sstyle=|<style", answer.text)


def test_the_form_creates_the_administrator_and_signs_in(browser: TestClient, link: str) -> None:
    answer = browser.post(link, data=GOOD)
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/setup")
    assert browser.get("/admin/setup").status_code == 200
    root = run(account_named, "root")
    assert root is not None
    assert (root.role, root.email, root.active) == ("admin", "root@example.org", True)


def test_the_form_sets_price_and_default_budget(browser: TestClient, link: str) -> None:
    answer = browser.post(link, data={**GOOD, "eur_per_token": "0,00003", "monthly": "1,000,000"})
    assert answer.status_code == 303
    price = PriceBook(run(price_book)).general(datetime.now(UTC))
    assert price is not None
    assert price.eur_per_token == Decimal("0.00003")
    assert run(default_budgets) == {
        Role.USER: Limits(monthly=1_000_000),
        Role.EXPERT: Limits(monthly=1_000_000),
        Role.ADMIN: None,
    }


def test_the_form_chooses_the_budget_time_zone(browser: TestClient, link: str, gateway: Gateway) -> None:
    assert 'value="UTC"' in browser.get(link).text
    assert '<option value="Europe/Berlin">' in browser.get(link).text
    assert browser.post(link, data={**GOOD, "budget_timezone": "Pacific/Auckland"}).status_code == 303
    assert settings().budget_zone.key == run_in_reading(pinned_budget_timezone) == "Pacific/Auckland"
    evening = datetime(2026, 11, 21, 12, tzinfo=UTC)  # 1 o'clock of the next day there
    send(gateway, report(username="root", requested_at=evening), budget_tz=settings().budget_zone)
    with database().reading() as session:
        days = session.scalars(select(UsageCounter.start).where(UsageCounter.period == "daily"))
        assert [str(day) for day in days] == ["2026-11-22"]


def test_a_zone_that_is_set_is_only_named(
    db: Database, settings_env: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    settings_env(budget_timezone="Asia/Tokyo")
    with running_portal() as browser:
        link = printed_link(capsys.readouterr().out)
        assert "Days and months are counted in Asia/Tokyo." in browser.get(link).text
        assert 'id="budget_timezone"' not in browser.get(link).text
        assert browser.post(link, data={**GOOD, "budget_timezone": "Europe/Berlin"}).status_code == 303
        assert run_in_reading(pinned_budget_timezone) == "Asia/Tokyo"


def test_zone_stays_once_something_was_counted(
    browser: TestClient, link: str, alice: Account, gateway: Gateway
) -> None:
    send(gateway, report())
    assert "Days and months are counted in UTC." in browser.get(link).text
    assert browser.post(link, data={**GOOD, "budget_timezone": "Europe/Berlin"}).status_code == 303
    assert run_in_reading(pinned_budget_timezone) == "UTC"


def test_the_link_works_once(browser: TestClient, link: str) -> None:
    browser.post(link, data=GOOD)
    for answer in (browser.get(link), browser.post(link, data={**GOOD, "username": "second"})):
        assert answer.status_code == 404
        assert "This setup link has ended, since there is an administrator. Sign in" in answer.text
    assert run(count_accounts) == 1


def test_another_account_does_not_end_the_link(browser: TestClient, link: str) -> None:
    create_member("alice")
    assert browser.get(link).status_code == 200
    assert browser.post(link, data=GOOD).status_code == 303
    root = run(account_named, "root")
    assert root is not None
    assert root.role == "admin"


def test_an_ended_link_says_how_to_get_an_administrator(browser: TestClient) -> None:
    text = browser.get("/user/setup?token=guessed").text
    assert "each start of the portal prints a new link" in text
    assert "portal user create NAME --email ADDRESS --role admin" in text


@pytest.mark.parametrize(
    ("taken", "field", "sentence"),
    [
        pytest.param({"username": "alice"}, "username", "There is an account called alice already.", id="name"),
        pytest.param({"email": "Alice@Example.org"}, "email", "Another account has this email address", id="address"),
    ],
)
def test_taken_username_is_refused_beside_the_field(
    browser: TestClient, link: str, taken: dict[str, str], field: str, sentence: str
) -> None:
    create_member("alice")
    answer = browser.post(link, data={**GOOD, **taken})
    assert answer.status_code == 409
    assert re.search(rf'<p [^>]*id="{field}-error">[^<]*{sentence}', answer.text)
    assert browser.get(link).status_code == 200, "the link must work on"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("", id="none"),
        pytest.param("?token=", id="an empty one"),
        pytest.param("?token=guessed", id="a guessed one"),
        pytest.param("?token=%00", id="a NUL"),
        pytest.param(f"?token={'a' * 9000}", id="a long one"),
    ],
)
def test_another_link_shows_nothing(browser: TestClient, query: str) -> None:
    path = f"/user/setup{query}"
    assert browser.get(path).status_code == 404
    assert browser.post(path, data=GOOD).status_code == 404
    assert run(count_accounts) == 0


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        pytest.param({"username": ""}, "username", "must not be empty", id="no name"),
        pytest.param({"username": "root/admin"}, "username", "A user name has letters", id="a name with a slash"),
        pytest.param({"username": "r" * 65}, "username", "longer than 64", id="a long name"),
        pytest.param({"email": "root"}, "email", "does not look like an email address", id="no address"),
        pytest.param({"email": "root@example.org\x00"}, "email", "NUL", id="an address with a NUL"),
        pytest.param({"password": "short", "repeated": "short"}, "password", "at least 10", id="a short password"),
        pytest.param({"password": "rootrootroot", "repeated": "rootrootroot"}, "password", "easy", id="an easy one"),
        pytest.param({"password": "p" * 300, "repeated": "p" * 300}, "password", "at most 256", id="a long one"),
        pytest.param({"budget_timezone": "Mars/X"}, "budget_timezone", "such as Europe/Berlin", id="no zone"),
        pytest.param({"eur_per_token": "cheap"}, "eur_per_token", "Write an amount in EUR", id="no price"),
        pytest.param({"eur_per_token": "2"}, "eur_per_token", "0 to 1 EUR per token", id="a high price"),
        pytest.param({"eur_per_token": "0"}, "eur_per_token", "Leave this empty", id="a price of 0"),
        pytest.param({"monthly": "many"}, "monthly", "Write a whole number", id="no limit"),
        pytest.param({"monthly": "9" * 20}, "monthly", "A limit is a whole number", id="a large limit"),
        pytest.param({"repeated": "something else"}, "repeated", "The two passwords differ.", id="two passwords"),
    ],
)
def test_complaint_is_beside_its_field(
    browser: TestClient, link: str, wrong: dict[str, str], field: str, sentence: str
) -> None:
    answer = browser.post(link, data={**GOOD, **wrong})
    assert answer.status_code == 422
    assert re.search(rf'<p [^>]*id="{field}-error">[^<]*{sentence}', answer.text)
    assert re.search(rf'<input id="{field}" [^>]*aria-describedby="{field}-error[^>]*aria-invalid="true"', answer.text)
    focused = "password" if field == "repeated" else field  # both passwords have to be typed again
    assert re.findall(r'<input id="(\w+)" [^>]*autofocus', answer.text) == [focused]
    assert GOOD["password"] not in answer.text
    assert run(count_accounts) == 0
    assert browser.get(link).status_code == 200, "the link must work on"


def test_all_complaints_are_shown_at_once(browser: TestClient, link: str) -> None:
    text = browser.post(link, content=b"", headers=FORM).text
    assert re.findall(r'id="(\w+)-error"', text) == ["username", "email", "password"]


def test_what_was_right_is_kept_and_nothing_in_it_runs(browser: TestClient, link: str) -> None:
    text = browser.post(link, data={**GOOD, "email": '"><script>'}).text
    assert 'value="Root"' in text
    assert 'value="&#34;&gt;&lt;script&gt;"' in text


def test_every_start_without_an_administrator_prints_a_new_link(
    db: Database, alice: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_portal():
        first = printed_link(capsys.readouterr().out)
    with running_portal() as browser:
        second = printed_link(capsys.readouterr().out)
        assert browser.get(first).status_code == 404
        assert browser.get(second).status_code == 200


def test_a_start_with_an_administrator_prints_none(
    db: Database, admin: Account, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_portal():
        assert capsys.readouterr().out == ""
