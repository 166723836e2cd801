"""Alert settings."""

from portal.db.spending.alerts import AlertSettings, alert_settings, set_alert_settings
from portal.db.tables import Account
from tests.cast import NOW, run


def test_alerts_are_off_at_80_percent_until_set(alice: Account) -> None:
    assert run(alert_settings, alice.id) == AlertSettings(enabled=False, threshold_percent=80, email=None)


def test_settings_are_replaced_whole_and_ones_own(alice: Account, bob: Account) -> None:
    run(set_alert_settings, alice.id, AlertSettings(True, 50, "alice@example.com"), NOW)
    run(set_alert_settings, alice.id, AlertSettings(True, 90, None), NOW)
    assert run(alert_settings, alice.id) == AlertSettings(True, 90, None)
    assert run(alert_settings, bob.id) == AlertSettings()
