"""Deleting an account."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.actions.metering.held import assign_held
from portal.actions.metering.notes import write_note
from portal.actions.metering.verification import verify_account
from portal.actions.outbox import send_test_mail
from portal.actions.people.accounts import (
    Profile,
    change_profile,
    edit_account,
    set_active,
    set_password,
)
from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import NewKey, create_key
from portal.actions.people.new_accounts import create_account
from portal.actions.people.password_resets import count_ask, queue_links
from portal.actions.people.sessions import Browser, open_session_for, sign_in
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.db.metering.events import account_events
from portal.db.metering.held import held_events
from portal.db.metering.totals import counter
from portal.db.people.accounts import account, account_named
from portal.db.people.sessions import session_of
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, Table
from portal.errors import Conflict, InvalidInput, NotSignedIn, WrongCredentials
from portal.rules.people.accounts import Role
from portal.rules.people.secrets import digest
from portal.rules.periods import EPOCH_DAY, Period, zone
from portal.rules.spending.budgets import Limits
from tests.cast import (
    NOW,
    OPERATOR,
    PASSWORD,
    PASSWORD_HASH,
    Gateway,
    acting,
    audit_log,
    create_member,
    id_of,
    opens,
    report,
    results,
    run,
    send,
)
from tests.queries import entries

UTC = zone("UTC")
PROFILE = Profile("Alice Liddell", "alice@wonderland.example", "Asia/Tokyo", "de", "dark")
PERSONAL = ("alice", "liddell", "wonderland", "rabbit", "198.51.100.7", "looking glass", "safari", "asia/tokyo")


def everything(db: Database) -> str:
    """Return all that all tables say, in lower case."""
    with db.reading() as session:
        rows = [
            str(tuple(row)) for table in Table.metadata.sorted_tables for row in session.execute(table.select()).all()
        ]
    return "\n".join(rows).lower()


def total(account_id: int) -> int:
    return run(counter, account_id, Period.TOTAL, EPOCH_DAY).requests


def differences(own: Account) -> list[object]:
    return run_in_reading(lambda session: list(verify_account(session, own.id, UTC)))


@pytest.fixture
def person(settings_env: Callable[..., None], db: Database, gateway: Gateway, bob: Account) -> Account:
    """Alice with a row in every table that holds personal data."""
    settings_env(smtp_host="127.0.0.1", smtp_from="portal@example.org", base_url="https://portal.example.org")
    alice = run(
        create_account, OPERATOR, "alice", "first@wonderland.example", Role.USER, PASSWORD_HASH, NOW, "Alice L."
    )
    run(change_profile, acting(alice), PROFILE, NOW)
    browser = Browser("Safari", "198.51.100.7")
    sign_in("alice", PASSWORD, browser, None, NOW)
    with pytest.raises(WrongCredentials):
        sign_in("alice", "down the rabbit hole", browser, None, NOW)
    key = run(create_key, acting(alice), alice.id, "Alice's looking glass", None, NOW)
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), NOW)
    run(change_alerts, acting(alice), True, 50, "alerts@wonderland.example", NOW)
    send(gateway, report("a", key_hash=digest(key.secret)), report("b", username="alice@wonderland.example"))
    send(gateway, report("a", username="Alice@wonderland.example", prompt_tokens=7), report("c", username="bob"))
    usage_id = run(lambda session: session.scalar(text("SELECT id FROM usage_events WHERE external_id = 'a'")))
    run(write_note, acting(alice), usage_id, "why did the rabbit ask?", NOW)
    run(send_test_mail, acting(alice), NOW)
    run(count_ask, "Alice@wonderland.example", "198.51.100.7", NOW)
    queue_links("alice@wonderland.example", "198.51.100.7", NOW)
    return alice


def test_nothing_personal_is_left_in_any_table(db: Database, person: Account) -> None:
    before = everything(db)
    assert [word for word in PERSONAL if word not in before] == []
    assert run(delete_account, OPERATOR, person.id, NOW) == f"deleted-{person.id}"
    after = everything(db).replace("198.51.100.7", "", 2)  # tries of that address, whoever made them
    assert [word for word in PERSONAL if word in after] == []
    assert "bob@example.org" in after


def test_administrator_may_erase_the_own_name(db: Database) -> None:
    own = create_member("wonderland", role="admin")
    create_member("bob", role="admin")
    run(delete_account, replace(acting(own), address="198.51.100.7"), own.id, NOW)
    after = everything(db)
    assert [word for word in PERSONAL if word in after] == []
    assert audit_log()[-1][:2] == (f"deleted-{own.id}", "account.delete")


def test_usage_and_its_sums_stay(person: Account, bob: Account) -> None:
    run(delete_account, OPERATOR, id_of("alice"), NOW)
    assert total(person.id) == 2
    assert run(lambda session: next(account_events(session, person.id)).requested_at) == NOW
    assert differences(person) == differences(bob) == []
    found = run(account, person.id)
    assert found is not None
    assert (found.username, found.email, found.active, found.role) == (f"deleted-{person.id}", "", False, "user")
    assert found.deleted_at == NOW
    assert next((entry.action, entry.actor) for entry in run(entries, person.id)) == ("account.delete", str(OPERATOR))


def test_a_deleted_account_does_nothing_any_more(person: Account, db: Database) -> None:
    token = run(open_session_for, person.id, Browser("Firefox", "192.0.2.1"), NOW).token
    key = run(create_key, acting(person), person.id, "phone", None, NOW)
    name = run(delete_account, OPERATOR, id_of("alice"), NOW)
    assert run(session_of, digest(token), NOW) is None
    assert not opens(key.secret, NOW)
    for old in ("alice", name):
        with pytest.raises(WrongCredentials):
            sign_in(old, PASSWORD, Browser("Firefox", "192.0.2.1"), None, NOW)
    with pytest.raises(NotSignedIn):
        run(change_profile, acting(person), PROFILE, NOW)
    refused: list[Callable[[], object]] = [
        lambda: run(set_active, OPERATOR, person.id, True, NOW),
        lambda: run(set_password, OPERATOR, person.id, PASSWORD_HASH, NOW),
        lambda: run(edit_account, OPERATOR, person.id, NOW, email="alice@wonderland.example"),
        lambda: run(set_budget, OPERATOR, person.id, Limits(daily=1), NOW),
        lambda: run(delete_account, OPERATOR, person.id, NOW),
    ]
    for attempt in refused:
        with pytest.raises(Conflict, match=f"The account {name} was deleted"):
            attempt()


def test_usage_of_its_keys_that_comes_late_still_counts(person: Account, gateway: Gateway) -> None:
    key = run(create_key, acting(person), person.id, "phone", None, NOW)
    run(delete_account, OPERATOR, id_of("alice"), NOW)
    late = send(gateway, report("late", key_hash=digest(key.secret)), report("name", username="alice"))
    assert results(late) == ["accepted", "unattributed"]
    assert total(person.id) == 3
    assert differences(person) == []


def test_name_and_address_can_be_given_to_somebody_new(person: Account) -> None:
    run(delete_account, OPERATOR, id_of("alice"), NOW)
    new = run(create_account, OPERATOR, "alice", "alice@wonderland.example", Role.USER, None, NOW)
    assert new.id != person.id
    assert total(new.id) == 0


def test_somebody_elses_things_are_left_alone(person: Account, bob: Account, bobs_key: NewKey, db: Database) -> None:
    run(open_session_for, bob.id, Browser("Firefox", "192.0.2.1"), NOW)
    run(delete_account, OPERATOR, id_of("alice"), NOW)
    assert opens(bobs_key.secret, NOW)
    found = run(account_named, "bob")
    assert found is not None
    assert (found.email, found.active, total(bob.id)) == ("bob@example.org", True, 1)
    assert [entry.actor for entry in run(entries, bob.id)] == ["bob"]


def test_an_event_held_for_the_old_name_can_be_assigned(person: Account, gateway: Gateway, bob: Account) -> None:
    send(gateway, report("stray", key_hash="e" * 64))
    run(delete_account, OPERATOR, id_of("alice"), NOW)
    number = next(held.id for held, _ in run_in_reading(held_events) if held.external_id == "stray")
    run(assign_held, OPERATOR, number, person.id, UTC, NOW)
    assert total(person.id) == 3


def test_an_account_in_the_way_is_named(alice: Account, bob: Account) -> None:
    def rename(session: Session) -> None:
        session.get_one(Account, bob.id).username = f"deleted-{alice.id}"

    run(rename)
    with pytest.raises(Conflict, match=f"There is an account called deleted-{alice.id} already"):
        run(delete_account, OPERATOR, alice.id, NOW)


def test_what_a_person_saves_while_being_deleted_leaves_nothing(db: Database, alice: Account, gateway: Gateway) -> None:
    send(gateway, report("a", username="alice"))
    usage_id = run(lambda session: session.scalar(text("SELECT id FROM usage_events")))

    def save(number: int) -> None:
        try:
            run(change_profile, acting(alice), replace(PROFILE, display_name=f"Liddell {number}"), NOW)
            run(write_note, acting(alice), usage_id, "rabbit", NOW)
            run(create_key, acting(alice), alice.id, "looking glass", None, NOW)
        except NotSignedIn:
            pass

    with ThreadPoolExecutor(4) as threads:
        saving = [threads.submit(save, number) for number in range(6)]
        threads.submit(run, delete_account, OPERATOR, alice.id, NOW).result()
        for done in saving:
            done.result()
    assert [word for word in PERSONAL if word in everything(db)] == []


def test_nobody_can_be_created_under_a_deleted_name(person: Account) -> None:
    name = run(delete_account, OPERATOR, id_of("alice"), NOW)
    with pytest.raises(InvalidInput):
        run(create_account, OPERATOR, name, "new@example.org", Role.USER, None, NOW)
