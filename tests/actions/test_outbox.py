from collections.abc import Callable

import pytest

from portal.actions.outbox import send_test_mail
from portal.actions.people.accounts import Profile, change_password, change_profile, set_active
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.db.outbox import messages_of
from portal.db.tables import Account
from portal.errors import Conflict, NotSignedIn
from portal.rules.outbox import MAILS_A_DAY
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, PASSWORD, acting, run


@pytest.fixture
def post(settings_env: Callable[..., None]) -> None:
    """Mail is set up."""
    settings_env(base_url="http://portal.example.org", smtp_host="127.0.0.1", smtp_from="portal@example.org")


def test_a_test_mail_goes_to_where_alerts_go(post: None, alice: Account, bob: Account) -> None:
    assert run(send_test_mail, acting(alice), NOW) == "alice@example.org"
    run(change_alerts, acting(alice), False, 80, "ops@example.org", NOW)
    assert run(send_test_mail, acting(alice), NOW) == "ops@example.org"
    assert [(mail.kind, mail.state, mail.recipient) for mail in run(messages_of, alice.id, 10)] == [
        ("test", "queued", "ops@example.org"),
        ("test", "queued", "alice@example.org"),
    ]
    assert run(messages_of, bob.id, 10) == []


def test_test_mail_without_mail_server_is_a_conflict(alice: Account) -> None:
    with pytest.raises(Conflict, match="Mail is not set up"):
        run(send_test_mail, acting(alice), NOW)


def test_nobody_is_flooded(post: None, alice: Account) -> None:
    for _ in range(MAILS_A_DAY):
        run(send_test_mail, acting(alice), NOW)
    with pytest.raises(Conflict, match="More than 20 mails"):
        run(send_test_mail, acting(alice), NOW)


def test_a_suspended_account_gets_none(post: None, alice: Account) -> None:
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(NotSignedIn):
        run(send_test_mail, acting(alice), NOW)
    assert run(messages_of, alice.id, 10) == []


def test_password_change_queues_a_notice(post: None, alice: Account) -> None:
    change_password(acting(alice), None, PASSWORD, "four glasses of water", NOW)
    assert [(mail.kind, mail.state) for mail in run(messages_of, alice.id, 10)] == [("notice", "queued")]


def test_password_change_without_mail_server_queues_nothing(alice: Account) -> None:
    change_password(acting(alice), None, PASSWORD, "four glasses of water", NOW)
    assert run(messages_of, alice.id, 10) == []


def test_what_waits_for_a_suspended_account_is_not_sent(post: None, alice: Account) -> None:
    run(send_test_mail, acting(alice), NOW)
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert [(mail.state, mail.error) for mail in run(messages_of, alice.id, 10)] == [
        ("failed", "The account was suspended.")
    ]


@pytest.mark.parametrize(("enabled", "email"), [(False, None), (True, "ops@example.org")])
def test_alerts_that_are_not_wanted_any_more_are_not_sent(
    post: None, alice: Account, enabled: bool, email: str | None
) -> None:
    run(change_alerts, acting(alice), True, 80, None, NOW)
    run(set_budget, OPERATOR, alice.id, Limits(daily=0), NOW)
    assert [mail.state for mail in run(messages_of, alice.id, 10)] == ["queued"]
    run(change_alerts, acting(alice), enabled, 80, email, NOW)
    assert [mail.state for mail in run(messages_of, alice.id, 10)] == ["failed"]


def test_email_change_queues_a_notice_to_the_old_address(post: None, alice: Account) -> None:
    for email in ("new@example.org", "new@example.org"):
        run(change_profile, acting(alice), Profile("Alice", email, "UTC", "de", "system"), NOW)
    ((kind, recipient, subject),) = [(m.kind, m.recipient, m.subject) for m in run(messages_of, alice.id, 10)]
    assert (kind, recipient) == ("notice", "alice@example.org")
    assert subject == "The address of your MoE Portal account was changed"
