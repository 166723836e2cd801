from typing import Any

import pytest

from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, everything

ALERTS = "/user/alerts"
ON = {"enabled": True, "threshold_percent": 90, "email": "ops@example.org"}


def test_alerts_are_off_until_they_are_configured(alice: Account, as_: As) -> None:
    assert as_(alice).get(ALERTS).json() == {"enabled": False, "threshold_percent": 80, "email": None}


def test_settings_are_stored_and_returned(alice: Account, bob: Account, as_: As) -> None:
    assert as_(alice).post(ALERTS, json=ON).json() == ON
    assert as_(alice).get(ALERTS).json() == ON
    assert as_(bob).get(ALERTS).json()["enabled"] is False


@pytest.mark.parametrize("email", [None, "", "  ", ...], ids=["null", "empty", "spaces", "left out"])
def test_no_email_is_the_accounts_own(alice: Account, as_: As, email: Any) -> None:
    sent = {name: value for name, value in (ON | {"email": email}).items() if value is not ...}
    as_(alice).post(ALERTS, json=ON)
    assert as_(alice).post(ALERTS, json=sent).json() == ON | {"email": None}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"enabled": "on", "threshold_percent": "90", "email": "ops@example.org"}, ON, id="a checkbox on"),
        pytest.param({"enabled": "true", "threshold_percent": "90", "email": "ops@example.org"}, ON, id="true"),
        pytest.param({"threshold_percent": "1"}, {"enabled": False, "threshold_percent": 1, "email": None}, id="off"),
        pytest.param(
            {"enabled": "off", "threshold_percent": "100", "email": ""},
            {"enabled": False, "threshold_percent": 100, "email": None},
            id="switched off",
        ),
        pytest.param(
            {"enabled": "false", "threshold_percent": "080"},
            {"enabled": False, "threshold_percent": 80, "email": None},
            id="false",
        ),
    ],
)
def test_a_form_says_the_same(alice: Account, as_: As, fields: dict[str, str], expected: dict[str, Any]) -> None:
    assert as_(alice).post(ALERTS, data=fields).json() == expected
    assert as_(alice).get(ALERTS).json() == expected


def test_a_browser_that_sent_the_form_goes_back_to_the_page(alice: Account, as_: As) -> None:
    answer = as_(alice).post(
        ALERTS, data={"enabled": "on", "threshold_percent": "90"}, headers={"Accept": "text/html,application/xhtml+xml"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/user/billing")
    assert as_(alice).get(ALERTS).json()["threshold_percent"] == 90


def test_a_script_that_sent_json_does_not(alice: Account, as_: As) -> None:
    assert as_(alice).post(ALERTS, json=ON, headers={"Accept": "text/html, */*"}).status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"enabled=on", id="no threshold"),
        pytest.param(b"threshold_percent=0", id="a threshold of 0"),
        pytest.param(b"threshold_percent=101", id="a threshold above 100"),
        pytest.param(b"threshold_percent=-5", id="a negative threshold"),
        pytest.param(b"threshold_percent=8.5", id="half a percent"),
        pytest.param(b"threshold_percent=%20", id="a space"),
        pytest.param(b"threshold_percent=%D9%A8%D9%A0", id="other digits"),
        pytest.param(b"threshold_percent=" + b"9" * 5000, id="5,000 digits"),
        pytest.param(b"enabled=1&threshold_percent=80", id="1 for on"),
        pytest.param(b"enabled=&threshold_percent=80", id="neither on nor off"),
        pytest.param(b"enabled=ON&threshold_percent=80", id="capitals"),
        pytest.param(b"threshold_percent=80&threshold_percent=90", id="a field given twice"),
        pytest.param(b"threshold_percent=80&colour=red", id="an unknown field"),
        pytest.param(b"threshold_percent=80&email=nobody", id="no email address"),
        pytest.param(b"threshold_percent=80&email=a%40b.org%0d%0aBcc%3a+x", id="a line break in the address"),
        pytest.param(b"threshold_percent=80&email=a%00%40b.org", id="NUL in the address"),
        pytest.param(b"threshold_percent=80&email=" + b"x" * 300 + b"%40b.org", id="a long address"),
        pytest.param(b"threshold_percent=80&email=%ff%40b.org", id="no UTF-8"),
        pytest.param(b"threshold_percent=80&email=%ed%a0%80%40b.org", id="a lone surrogate"),
        pytest.param("threshold_percent=80&email=ü@b.org".encode(), id="letters that are not encoded"),
        pytest.param(b"&".join(b"f%d=1" % n for n in range(50)), id="too many fields"),
        pytest.param(b"x" * 70_000, id="too large"),
    ],
)
def test_a_form_that_cannot_be_meant_changes_nothing(alice: Account, as_: As, db: Database, form: bytes) -> None:
    client, before = as_(alice), everything(db)
    answer = client.post(ALERTS, content=form, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert 400 <= answer.status_code < 500
    assert everything(db) == before


def test_chosen_second_threshold_is_answered(alice: Account, as_: As) -> None:
    client, plain = as_(alice), {"enabled": True, "threshold_percent": 50, "email": None}
    both = plain | {"second_threshold_percent": 90}
    assert client.post(ALERTS, json=both).json() == client.get(ALERTS).json() == both
    assert client.post(ALERTS, json=plain).json() == client.get(ALERTS).json() == plain


def test_a_form_may_have_a_second_threshold_or_leave_it_empty(alice: Account, as_: As) -> None:
    client = as_(alice)
    for text, stored in (("95", 95), ("", None)):
        answer = client.post(ALERTS, data={"threshold_percent": "50", "second_threshold_percent": text})
        assert (answer.status_code, answer.json().get("second_threshold_percent")) == (200, stored)
    refused = client.post(ALERTS, data={"threshold_percent": "50", "second_threshold_percent": "many"})
    assert refused.status_code == 422


def test_forecast_is_answered_where_it_is_switched_on(alice: Account, as_: As) -> None:
    client = as_(alice)
    ahead = {"enabled": True, "threshold_percent": 80, "email": None, "forecast": True}
    assert client.post(ALERTS, json=ahead).json() == client.get(ALERTS).json() == ahead
    form = {"threshold_percent": "80", "forecast": "on"}
    assert client.post(ALERTS, data=form).json()["forecast"] is True
