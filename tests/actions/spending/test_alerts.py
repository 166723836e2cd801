"""How people want to be warned."""

import json

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.spending.alerts import change_alerts
from portal.db.spending.alerts import AlertSettings, alert_settings
from portal.db.tables import Account
from portal.errors import InvalidInput, NotSignedIn
from portal.rules.people.actors import Actor, Means
from tests.cast import NOW, OPERATOR, acting, run
from tests.queries import entries


def test_settings_are_stored_and_written_down(alice: Account, bob: Account) -> None:
    wanted = AlertSettings(enabled=True, threshold_percent=90, email="ops@example.org")
    assert run(change_alerts, acting(alice), True, 90, " ops@example.org ", NOW) == wanted
    assert run(alert_settings, alice.id) == wanted
    assert run(alert_settings, bob.id) == AlertSettings()
    (entry,) = run(entries, alice.id)
    assert (entry.actor, entry.action) == ("alice", "alerts.change")
    assert json.loads(entry.before or "") == {"enabled": False, "threshold_percent": 80, "email": None}
    assert json.loads(entry.after or "") == {"enabled": True, "threshold_percent": 90, "email": "ops@example.org"}


@pytest.mark.parametrize("email", [None, "", "  "])
def test_without_an_address_the_accounts_own_is_meant(alice: Account, email: str | None) -> None:
    assert run(change_alerts, acting(alice), True, 80, email, NOW).email is None


@pytest.mark.parametrize("threshold", [1, 100])
def test_thresholds_at_the_ends(alice: Account, threshold: int) -> None:
    assert run(change_alerts, acting(alice), False, threshold, None, NOW).threshold_percent == threshold


@pytest.mark.parametrize(
    ("threshold", "email", "field"),
    [
        (0, None, "threshold_percent"),
        (101, None, "threshold_percent"),
        (-(2**70), None, "threshold_percent"),
        (80, "nowhere", "email"),
        (80, "a\x00@example.org", "email"),
        (80, "a@example.org\nBcc: b@example.org", "email"),
    ],
)
def test_malformed_settings_change_nothing(alice: Account, threshold: int, email: str | None, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(change_alerts, acting(alice), True, threshold, email, NOW)
    assert caught.value.field == field
    assert run(alert_settings, alice.id) == AlertSettings()
    assert run(entries, alice.id) == []


def test_an_open_page_of_a_suspended_account_changes_nothing(alice: Account) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    for actor in (acting(alice), Actor(Means.SESSION, "alice", 2**62), OPERATOR):
        with pytest.raises(NotSignedIn):
            run(change_alerts, actor, True, 80, None, NOW)
    assert run(alert_settings, alice.id) == AlertSettings()


def test_a_second_threshold_and_the_forecast_are_chosen_besides(alice: Account) -> None:
    chosen = run(change_alerts, acting(alice), True, 50, None, NOW, second_threshold_percent=90, forecast=True)
    assert chosen == AlertSettings(True, 50, None, 90, True) == run(alert_settings, alice.id)
    assert run(change_alerts, acting(alice), True, 50, None, NOW) == AlertSettings(True, 50)


@pytest.mark.parametrize("second", [0, 101, 80, -1])
def test_a_senseless_second_threshold_is_refused(alice: Account, second: int) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(change_alerts, acting(alice), True, 80, None, NOW, second_threshold_percent=second)
    assert refused.value.field == "second_threshold_percent"
    assert run(alert_settings, alice.id) == AlertSettings()
