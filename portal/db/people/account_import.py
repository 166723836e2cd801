"""Importing accounts: what the portal has already, and storing many accounts at once."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.db.spending.default_budgets import default_budgets
from portal.db.tables import Account, Budget, ExpertTemplate, ResetLink, Team
from portal.rules.people.account_import import ImportRow, Known, KnownTeam
from portal.rules.people.accounts import Language, Role, Theme
from portal.rules.people.teams import team_key
from portal.rules.spending.budgets import Limits


def known_to_imports(session: Session) -> Known:
    """Return the names that rows of an import are compared with; the time grows with the number of accounts."""
    accounts = session.execute(select(Account.username, Account.email_key)).all()
    teams = session.execute(select(Team.id, Team.name, Team.cost_centre, Team.active))
    return Known(
        frozenset(name for name, _ in accounts),
        frozenset(key for _, key in accounts if key),
        {name: template_id for template_id, name in session.execute(select(ExpertTemplate.id, ExpertTemplate.name))},
        {team_key(row.name): KnownTeam(*row) for row in teams},
    )


def add_accounts(
    session: Session, rows: Sequence[ImportRow], known: Known, now: datetime
) -> list[tuple[Account, Limits | None]]:
    """Store an account for each row, with its budget; return them with their limits, None without a budget.

    A user name or address that was taken meanwhile raises IntegrityError.
    """
    defaults = default_budgets(session)
    made = [_account(row, known, now) for row in rows]
    session.add_all(made)
    session.flush()
    limits = [defaults[Role(row.role)] if row.limits is None else row.limits for row in rows]
    session.add_all(
        Budget(
            account_id=account.id,
            daily=each.daily,
            monthly=each.monthly,
            total=each.total,
            type=each.type,
            updated_at=now,
        )
        for account, each in zip(made, limits, strict=True)
        if each is not None
    )
    session.flush()
    return list(zip(made, limits, strict=True))


def _account(row: ImportRow, known: Known, now: datetime) -> Account:
    team = known.teams.get(team_key(row.team)) if row.team else None
    return Account(
        username=row.username,
        display_name=row.name,
        email=row.email,
        role=row.role,
        active=True,
        password_hash=None,
        language=Language.ENGLISH.value,
        theme=Theme.SYSTEM.value,
        team_id=team.id if team else None,
        template_id=known.templates.get(row.template),
        created_at=now,
    )


def add_links(session: Session, hashes: Sequence[tuple[int, str]], now: datetime, expires_at: datetime) -> None:
    """Store the links of many accounts: ids of accounts with the hashes of their tokens."""
    session.add_all(
        ResetLink(token_hash=token_hash, account_id=account_id, created_at=now, expires_at=expires_at)
        for account_id, token_hash in hashes
    )
    session.flush()
