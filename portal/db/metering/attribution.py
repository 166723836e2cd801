"""Attribution: find the account of reported usage by a key or a name, with the values that storing needs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, literal, null, select, union_all
from sqlalchemy.orm import Session

from portal.db.metering.totals import figures_of, summed
from portal.db.sql.text_list import among
from portal.db.tables import Account, ApiKey, Budget, ExpertTemplate, UsageCounter
from portal.rules.metering.figures import Figures
from portal.rules.periods import Period
from portal.rules.text import email_key


class Owner(NamedTuple):
    """An account, the key that named it (None for a name), and the usage of the account in its whole life.

    `cost_factor` is that of the account's active template; None without one. `has_budget` is whether it has any limits.
    `team_id` is the team for which new usage counts.
    """

    account_id: int
    key_id: int | None
    key_used_at: datetime | None
    cost_factor: Decimal | None
    has_budget: bool
    team_id: int | None
    lifetime: Figures


def owners_by_key(session: Session, hashes: Iterable[str]) -> dict[str, Owner]:
    """Return the owners of keys by SHA-256 digest, also of revoked and expired keys, since their usage counts too."""
    return _owners(session, _BY_KEY, hashes)


def owners_by_name(session: Session, usernames: Iterable[str]) -> dict[str, Owner]:
    """Return the accounts with these user names, or with these email addresses in upper or lower case, by name.

    Where a text is the user name of one account and the email address of another, the user name counts.
    """
    wanted = set(usernames)
    keys = {name: key for name in wanted if "@" in name and (key := email_key(name))}
    if not keys:
        return _owners(session, _BY_NAME, wanted)
    rows = session.connection().execute(_BY_NAME_OR_EMAIL, {"wanted": list(wanted), "keys": list(set(keys.values()))})
    found = {(row[0], row[1]): _owner(row[2:]) for row in rows}
    by_email = {name: found[True, key] for name, key in keys.items() if (True, key) in found}
    return by_email | {name: owner for (is_email, name), owner in found.items() if not is_email}


def owner_by_id(session: Session, account_id: int) -> Owner:
    """Return an account as an owner."""
    return _owner(session.connection().execute(_BY_ID, {"wanted": account_id}).one())


def _owners(session: Session, query: Select[*tuple[Any, ...]], names: Iterable[str]) -> dict[str, Owner]:
    wanted = list(names)
    if not wanted:
        return {}
    rows = session.connection().execute(query, {"wanted": wanted})
    return {row[0]: _owner(row[1:]) for row in rows}


def _owner(values: Sequence[Any]) -> Owner:
    account_id, key_id, key_used_at, cost_factor, budget_of, team_id, *sums = values
    return Owner(account_id, key_id, key_used_at, cost_factor, budget_of is not None, team_id, figures_of(sums))


def _with_account(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    lifetime = and_(UsageCounter.account_id == Account.id, UsageCounter.period == Period.TOTAL)
    return (
        query.add_columns(ExpertTemplate.cost_factor, Budget.account_id, Account.team_id, *summed(UsageCounter))
        .outerjoin(ExpertTemplate, ExpertTemplate.id == Account.template_id)
        .outerjoin(Budget, Budget.account_id == Account.id)
        .outerjoin(UsageCounter, lifetime)
    )


_BY_KEY = _with_account(
    select(ApiKey.key_hash, Account.id, ApiKey.id, ApiKey.last_used_at)
    .join(Account, Account.id == ApiKey.account_id)
    .where(among(ApiKey.key_hash, "wanted"))
)
_BY_NAME = _with_account(select(Account.username, Account.id, null(), null()).where(among(Account.username, "wanted")))
_BY_ID = _with_account(select(Account.id, null(), null()).where(Account.id == bindparam("wanted")))
_BY_NAME_OR_EMAIL = union_all(  # not one SELECT with OR: SQLite would read all accounts
    _with_account(
        select(literal(False), Account.username, Account.id, null(), null()).where(among(Account.username, "wanted"))
    ),
    _with_account(
        select(literal(True), Account.email_key, Account.id, null(), null()).where(among(Account.email_key, "keys"))
    ),
)
