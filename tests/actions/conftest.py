"""Passwords that are checked in no time."""

import pytest
from argon2 import PasswordHasher

from portal.actions.people import passwords
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.cast import PASSWORD, create_member

QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
QUICK_HASH, OF_NOBODY = QUICK.hash(PASSWORD), QUICK.hash("nobody has this password")


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make hashing cheap where it is not what a test is about."""
    monkeypatch.setattr(passwords, "_hasher", QUICK)
    monkeypatch.setattr(passwords, "_UNKNOWN", OF_NOBODY)


@pytest.fixture
def alice(db: Database, quick_passwords: None) -> Account:
    """Alice, with a cheap hash of the same password."""
    return create_member("alice", time_zone="Europe/Berlin", password_hash=QUICK_HASH)
