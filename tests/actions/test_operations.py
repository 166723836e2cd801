"""Administrators are notified of what needs them: once, and of nothing else."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from portal.actions.notifications import choose
from portal.actions.operations import PAUSE, watch
from portal.actions.spending.prices import remove_price
from portal.db.metering import verification
from portal.db.outbox import NewMessage, add_message, messages_of
from portal.db.tables import Account, Gateway, OutboxMessage
from portal.rules.notifications import Channel, Topic
from tests.cast import NOW, OPERATOR, acting, report, run, send
from tests.cast import Gateway as Sender


@pytest.fixture(autouse=True)
def mail_is_set_up(db: object, settings_env: Callable[..., None]) -> None:
    settings_env(base_url="https://portal.example.org", smtp_host="localhost", smtp_from="portal@example.org")


def topics(account: Account) -> list[str]:
    """Return what an account was notified of, oldest first."""
    return [message.kind for message in reversed(run(messages_of, account.id, 100))]


def text_of(account: Account) -> str:
    """Return the newest message of an account."""
    newest = run(messages_of, account.id, 1)[0].id
    return str(run(lambda session: session.get_one(OutboxMessage, newest).text))


def test_quiet_portal_notifies_nobody(admin: Account, alice: Account, gateway: Sender) -> None:
    send(gateway, report("a"))
    assert run(watch, NOW) == 0
    assert topics(admin) == []


def test_differences_are_notified_once(admin: Account, alice: Account) -> None:
    def finish(session: Session, day: int, differences: int) -> None:
        night = (NOW + timedelta(days=day)).date()
        verification.begin(session, night, NOW)
        verification.finish(session, night, 3, 10, differences, [], NOW)

    run(finish, 0, 0)
    assert run(watch, NOW) == 0
    run(finish, 1, 2)
    assert [run(watch, NOW), run(watch, NOW)] == [1, 0]
    run(finish, 2, 2)
    assert run(watch, NOW) == 1
    assert (topics(admin), topics(alice)) == (["verification"] * 2, [])
    assert "2 sums differ" in text_of(admin)


def test_gateway_is_silent_once_until_it_reports(admin: Account, alice: Account, gateway: Sender) -> None:
    send(gateway, report("a"))
    run(lambda session: setattr(session.get(Gateway, gateway.id), "reported_at", NOW))
    assert run(watch, NOW + timedelta(minutes=59)) == 0
    assert [run(watch, NOW + timedelta(minutes=each)) for each in (60, 61, 600)] == [1, 0, 0]
    run(lambda session: setattr(session.get(Gateway, gateway.id), "reported_at", NOW + timedelta(hours=12)))
    assert run(watch, NOW + timedelta(hours=14)) == 1
    assert topics(admin) == ["gateway_silent"] * 2
    assert gateway.name in text_of(admin)


def test_long_silence_is_no_news(admin: Account, gateway: Sender, settings_env: Callable[..., None]) -> None:
    run(lambda session: setattr(session.get(Gateway, gateway.id), "reported_at", NOW))
    assert run(watch, NOW + timedelta(days=8)) == 0
    settings_env(notify_silent_minutes=0)
    assert run(watch, NOW + timedelta(hours=2)) == 0


def test_unpriced_and_held_events_are_notified(admin: Account, alice: Account, gateway: Sender) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("a"), report("b", username="nobody"))
    assert run(watch, NOW) == 2
    assert sorted(topics(admin)) == ["held", "unpriced"]
    send(gateway, report("c"))
    assert run(watch, NOW + PAUSE - timedelta(minutes=1)) == 0
    assert run(watch, NOW + PAUSE) == 1
    assert "2 requests have no price" in text_of(admin)


def test_given_up_messages_are_notified(admin: Account, alice: Account) -> None:
    def fail(session: Session, kind: str) -> None:
        add_message(session, NewMessage(alice.id, kind, alice.email, "s", "t", ""), NOW)
        session.query(OutboxMessage).filter_by(account_id=alice.id).update(
            {"state": "failed", "tries": 3, "finished_at": NOW}
        )

    run(fail, "held")
    run(fail, "test")
    assert run(watch, NOW + timedelta(minutes=1)) == 0
    run(lambda session: session.query(OutboxMessage).delete())
    run(fail, "alert")
    assert [run(watch, NOW + timedelta(minutes=each)) for each in (1, 2, 3000)] == [1, 0, 0]
    assert "1 message could not be sent" in text_of(admin)


def test_topic_that_is_off_is_not_sent_later(admin: Account, gateway: Sender) -> None:
    run(choose, acting(admin), {(Topic.HELD, Channel.MAIL): False}, NOW)
    send(gateway, report("b", username="nobody"))
    assert run(watch, NOW) == 1
    assert topics(admin) == []
    run(choose, acting(admin), {(Topic.HELD, Channel.MAIL): True}, NOW)
    assert run(watch, NOW + PAUSE) == 0
