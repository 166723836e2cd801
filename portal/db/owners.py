"""Whose reported usage is: everything that storing it needs to know of the key or name it came with."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, null, select
from sqlalchemy.orm import Session

from portal.db.among import among
from portal.db.sums import figures_of, summed
from portal.db.tables import Account, ApiKey, Budget, ExpertTemplate, UsageCounter
from portal.rules.figures import Figures
from portal.rules.periods import Period


class Owner(NamedTuple):
    """An account, the key it was named by if any, and what the account has used in its whole life.

    `cost_factor` is that of the account's active template; None without one. `has_budget` is whether it has any limits.
    """

    account_id: int
    key_id: int | None
    key_used_at: datetime | None
    cost_factor: Decimal | None
    has_budget: bool
    lifetime: Figures


def owners_by_key(session: Session, hashes: Iterable[str]) -> dict[str, Owner]:
    """Return whose keys have these SHA-256 digests, also ended ones; usage of a revoked key still happened."""
    return _owners(session, _BY_KEY, hashes)


def owners_by_name(session: Session, usernames: Iterable[str]) -> dict[str, Owner]:
    """Return the accounts among `usernames`, by user name."""
    return _owners(session, _BY_NAME, usernames)


def _owners(session: Session, query: Select[*tuple[Any, ...]], names: Iterable[str]) -> dict[str, Owner]:
    wanted = list(names)
    if not wanted:
        return {}
    rows = session.connection().execute(query, {"wanted": wanted})
    return {row[0]: Owner(row[1], row[2], row[3], row[4], row[5] is not None, figures_of(row[6:])) for row in rows}


def _with_account(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    lifetime = and_(UsageCounter.account_id == Account.id, UsageCounter.period == Period.TOTAL)
    return (
        query.add_columns(ExpertTemplate.cost_factor, Budget.account_id, *summed(UsageCounter))
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
