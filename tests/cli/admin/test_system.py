"""`portal system`."""

import json
from collections.abc import Callable

from portal.db.tables import Account
from tests.cast import Gateway, audit_log
from tests.cli.terminal import rows, succeed


def test_system_shows_its_parts(alice: Account, gateway: Gateway) -> None:
    shown = dict(rows(succeed("system", "show")))
    assert shown["Verification"] == "never"
    assert shown["Messages"] == "0 wait, 0 given up in 30 days"
    assert shown["Channel webhook"] == "not set"
    assert json.loads(succeed("system", "show", "--json"))["backup"] is None


def test_a_test_goes_to_the_webhook_of_the_settings(settings_env: Callable[..., None], alice: Account) -> None:
    settings_env(notify_webhook_url="https://hooks.example.org/x?secret=1", notify_webhook_secret="s" * 40)
    assert succeed("system", "test-channel", "webhook") == "Queued a test to hooks.example.org.\n"
    assert audit_log()[-1][1:] == ("notifications.test", {"channel": "webhook"})
