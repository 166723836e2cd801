"""Mails that wait, and what became of them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from portal.db.outbox import NewMessage, add_message, claim_due, drop_messages, failed_messages, is_any_due, messages_of
from portal.db.sql.session import Database, run_in_glance, run_in_reading
from portal.db.tables import Account, OutboxMessage
from portal.rules.outbox import Kind
from tests.cast import NOW, run

LEASE = timedelta(minutes=3)


@pytest.fixture
def mail_is_set_up(db: object, settings_env: Callable[..., None]) -> None:
    """There is a mail server."""
    settings_env(base_url="https://portal.example.org", smtp_host="localhost", smtp_from="portal@example.org")


def add(
    session: Session, account: Account, now: datetime = NOW, kind: str = "alert", subject: str = "A subject"
) -> None:
    add_message(session, NewMessage(account.id, kind, account.email, subject, "text", "<p>html</p>"), now)


def states(account: Account) -> list[tuple[str, str | None]]:
    return [(mail.state, mail.error) for mail in run_in_reading(messages_of, account.id, 100)]


def test_a_mail_is_due_at_once_and_until_somebody_has_it(mail_is_set_up: None, alice: Account) -> None:
    run(add, alice)
    assert run_in_glance(is_any_due, NOW)
    (mail,) = run(claim_due, NOW, LEASE, 10)
    assert (mail.recipient, mail.subject, mail.text, mail.html) == (alice.email, "A subject", "text", "<p>html</p>")
    assert not run_in_glance(is_any_due, NOW)
    assert run(claim_due, NOW + LEASE - timedelta(seconds=1), LEASE, 10) == []
    assert run_in_glance(is_any_due, NOW + LEASE)


def test_what_is_rolled_back_is_never_sent(mail_is_set_up: None, alice: Account) -> None:
    def add_and_fail(session: Session) -> None:
        add(session, alice)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(add_and_fail)
    assert not run_in_glance(is_any_due, NOW)


@pytest.mark.parametrize(
    ("base_url", "domain"),
    [
        pytest.param("https://portal.example.org:8443", "portal.example.org", id="the portal's"),
        pytest.param("http://[::1]:8080", "moe-portal.local", id="no name"),
    ],
)
def test_each_mail_has_an_id_of_its_own(
    base_url: str, domain: str, mail_is_set_up: None, alice: Account, settings_env: Any
) -> None:
    settings_env(base_url=base_url)
    run(add, alice)
    run(add, alice)
    ids = set(run(lambda session: list(session.scalars(select(OutboxMessage.message_id)))))
    assert len(ids) == 2
    assert all(id.startswith("<") and id.endswith(f"@{domain}>") for id in ids)


def test_without_a_mail_server_the_history_says_so(db: object, alice: Account) -> None:
    run(add, alice)
    assert states(alice) == [("failed", "Mail is not set up.")]
    assert run(lambda session: session.query(OutboxMessage).one().text) == "text"
    assert not run_in_glance(is_any_due, NOW)


def test_an_account_gets_20_mails_a_day_and_no_more(mail_is_set_up: None, alice: Account, bob: Account) -> None:
    midnight = NOW.replace(hour=0, minute=0)
    run(add, alice, midnight - timedelta(seconds=1))
    for _ in range(21):
        run(add, alice, midnight)
    run(add, bob)
    assert states(alice)[0] == ("failed", "More than 20 mails on one day.")
    assert states(alice)[1:] == [("queued", None)] * 21
    assert states(bob) == [("queued", None)]
    run(add, alice, midnight + timedelta(days=1))
    assert states(alice)[0] == ("queued", None)


def test_what_was_never_to_be_sent_does_not_count(db: object, alice: Account, settings_env: Any) -> None:
    for _ in range(20):
        run(add, alice)
    settings_env(base_url="https://portal.example.org", smtp_host="localhost", smtp_from="portal@example.org")
    run(add, alice)
    assert states(alice)[0] == ("queued", None)


def test_also_those_of_one_transaction_are_counted(mail_is_set_up: None, alice: Account) -> None:
    def add_all(session: Session) -> None:
        for _ in range(21):
            add(session, alice)

    run(add_all)
    assert [state for state, _ in states(alice)].count("queued") == 20


def test_strangers_who_ask_for_links_do_not_crowd_out_alerts(mail_is_set_up: None, alice: Account) -> None:
    for _ in range(11):
        run(add, alice, kind="reset")
    assert states(alice)[0] == ("failed", "More than 10 links for forgotten passwords on one day.")
    run(add, alice)
    assert states(alice)[0] == ("queued", None)


def test_mails_that_were_never_tried_go_first(mail_is_set_up: None, alice: Account) -> None:
    run(add, alice, NOW, subject="old")
    run(claim_due, NOW, LEASE, 1)
    run(add, alice, NOW + LEASE, subject="new")
    assert [mail.subject for mail in run(claim_due, NOW + LEASE, LEASE, 1)] == ["new"]


def test_two_who_claim_at_once_get_different_mails(mail_is_set_up: None, db: Database, alice: Account) -> None:
    run(add, alice, subject="one")
    run(add, alice, subject="two")
    with db.transaction() as session:
        (first,) = claim_due(session, NOW, LEASE, 1)
        if db.engine.dialect.name == "postgresql":  # SQLite has one writer
            assert [mail.subject for mail in run(claim_due, NOW, LEASE, 10)] == ["two"]
    assert first.subject == "one"


def test_who_is_too_late_is_given_up_and_not_sent(mail_is_set_up: None, alice: Account) -> None:
    run(add, alice)
    assert run(claim_due, NOW + timedelta(hours=48), LEASE, 10) == []
    assert states(alice) == [("failed", "Given up: it is too old by now.")]


def test_a_mail_that_kills_its_senders_has_pauses_too(mail_is_set_up: None, alice: Account) -> None:
    run(add, alice)
    now, tries = NOW, 0
    while run_in_glance(is_any_due, now):
        tries += len(run(claim_due, now, LEASE, 1))
        now = run_in_reading(messages_of, alice.id, 1)[0].next_try_at
    assert tries < 60


def test_failed_mails_of_all_are_listed_newest_first(db: object, alice: Account, bob: Account) -> None:
    run(add, alice, NOW - timedelta(days=8))
    run(add, alice, NOW)
    run(add, bob, NOW + timedelta(hours=1))
    failed = run_in_reading(failed_messages, NOW - timedelta(days=7), 10)
    assert [mail.account_id for mail in failed] == [bob.id, alice.id]
    assert len(run_in_reading(failed_messages, NOW - timedelta(days=30), 2)) == 2


def test_nobody_sees_the_mails_of_others(mail_is_set_up: None, alice: Account, bob: Account) -> None:
    run(add, alice)
    assert run_in_reading(messages_of, bob.id, 10) == []


def test_looking_for_mails_reads_the_index_of_due_ones_alone(db: Database) -> None:
    asked: list[tuple[str, Any]] = []

    def hear(_: Any, __: Any, statement: str, values: Any, *___: Any) -> None:
        asked.append((statement, values))

    event.listen(db.engine, "before_cursor_execute", hear)
    run_in_glance(is_any_due, NOW)
    event.remove(db.engine, "before_cursor_execute", hear)
    (statement, values), explain = asked[0], "EXPLAIN QUERY PLAN"
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "postgresql":
            explain = "EXPLAIN"
            connection.exec_driver_sql("SET enable_seqscan = off")  # which is faster while there are no mails
        plan = connection.exec_driver_sql(f"{explain} {statement}", values).all()
    assert "ix_outbox_due" in str(plan)


def test_each_account_is_given_one_mail_at_a_time(mail_is_set_up: None, alice: Account, bob: Account) -> None:
    for account in (alice, alice, bob):
        run(add, account)
    claimed = run(claim_due, NOW, LEASE, 5)
    assert {mail.account_id for mail in claimed} == {alice.id, bob.id}
    assert run(claim_due, NOW, LEASE, 5, exclude={f"mail:{alice.id}"}) == []
    assert [mail.account_id for mail in run(claim_due, NOW, LEASE, 5)] == [alice.id]


def test_what_waits_can_be_dropped_by_its_kind(mail_is_set_up: None, alice: Account, bob: Account) -> None:
    for account in (alice, bob):
        run(add, account)
    run(drop_messages, alice.id, "Switched off.", NOW, kind=Kind.NOTICE)
    assert [state for state, _ in states(alice)] == ["queued"]
    run(drop_messages, alice.id, "Switched off.", NOW)
    assert (states(alice), [state for state, _ in states(bob)]) == ([("failed", "Switched off.")], ["queued"])


def test_an_account_without_an_address_is_sent_nothing(mail_is_set_up: None, alice: Account) -> None:
    run(add_message, NewMessage(alice.id, Kind.ALERT, "", "A subject", "text", "<p>html</p>"), NOW)
    assert states(alice) == [("failed", "The account has no email address.")]
