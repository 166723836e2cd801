"""Links for forgotten passwords, and their owners."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.people.password_resets import add_link, forget_expired_links, forget_links, owner_of_link, use_link
from portal.db.tables import Account, ResetLink
from tests.cast import NOW, run

LASTS, MICROSECOND = timedelta(minutes=30), timedelta(microseconds=1)
OVER = NOW + LASTS


def add(account: Account, token_hash: str) -> None:
    run(add_link, account.id, token_hash, NOW, OVER)


def kept() -> set[str]:
    return set(run(lambda session: session.scalars(select(ResetLink.token_hash)).all()))


def change(account: Account, **values: object) -> None:
    def set_them(session: Session) -> None:
        for name, value in values.items():
            setattr(session.get_one(Account, account.id), name, value)

    run(set_them)


@pytest.mark.parametrize("lock", [False, True])
def test_a_link_leads_to_its_account_until_its_time_is_over(alice: Account, bob: Account, lock: bool) -> None:
    add(bob, "bobs")
    add(alice, "alices")

    def owner(token_hash: str, now: datetime) -> str | None:
        found = run(owner_of_link, token_hash, now, lock=lock)
        return None if found is None else found.username

    assert owner("alices", OVER - MICROSECOND) == "alice"
    assert owner("alices", OVER) is None
    assert owner("bobs", NOW) == "bob"
    assert owner("", NOW) is None
    change(alice, active=False)
    assert owner("alices", NOW) is None


def test_a_link_is_used_once(alice: Account, bob: Account) -> None:
    add(alice, "alices")
    add(bob, "bobs")
    assert run(use_link, "unknown", NOW) is None
    assert run(use_link, "alices", OVER) is None
    assert run(use_link, "alices", OVER - MICROSECOND) == alice.id
    assert run(use_link, "alices", NOW) is None
    assert kept() == {"bobs"}


def test_links_are_forgotten_with_their_account_or_their_time(alice: Account, bob: Account) -> None:
    add(alice, "one")
    add(alice, "two")
    add(bob, "bobs")
    run(forget_links, alice.id)
    assert kept() == {"bobs"}
    run(forget_expired_links, OVER - MICROSECOND)
    assert kept() == {"bobs"}
    run(forget_expired_links, OVER)
    assert kept() == set()
