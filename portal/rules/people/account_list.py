"""What the list of accounts can be sorted and filtered by."""

from datetime import datetime
from enum import StrEnum

from portal.rules.lists import ListRules, one_of, text_choice
from portal.rules.people.accounts import Role


class AccountStatus(StrEnum):
    """Whether an account works."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    DELETED = "deleted"


EVERY_STATUS = "all"
"""The choice of all accounts; without a choice, the list has all but the deleted ones."""

NO_TEAM = "-"
"""The choice of the accounts without a team."""

ACCOUNT_LIST = ListRules(
    sorts={
        "username": str,
        "name": str,
        "email": str,
        "role": str,
        "team": str,
        "status": str,
        "tokens": int,
        "cost": int,
        "level": int,
        "signed_in": datetime,
    },
    plain="username",
    choices={"role": one_of(tuple(Role)), "status": one_of((*AccountStatus, EVERY_STATUS)), "team": text_choice},
)


def account_status(*, active: bool, deleted_at: datetime | None) -> AccountStatus:
    """Return whether an account works, from its row."""
    if deleted_at is not None:
        return AccountStatus.DELETED
    return AccountStatus.ACTIVE if active else AccountStatus.SUSPENDED
