"""Whether an installation has what a portal needs in its first days."""

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session

from portal.db.tables import Account, Budget, DefaultBudget, Gateway


def steps_done(session: Session) -> tuple[bool, bool, bool]:
    """Return whether a gateway has reported, whether there are two accounts, and whether there is any limit."""
    two = select(Account.id).where(Account.deleted_at.is_(None)).limit(2).subquery()
    gateway, people, budgets = session.execute(
        select(
            exists().where(Gateway.reported_at.is_not(None)),
            select(func.count() > 1).select_from(two).scalar_subquery(),
            or_(exists().where(_limited(Budget)), exists().where(_limited(DefaultBudget))),
        )
    ).one()
    return bool(gateway), bool(people), bool(budgets)


def _limited(table: type[Budget | DefaultBudget]) -> ColumnElement[bool]:
    return or_(table.daily.is_not(None), table.monthly.is_not(None), table.total.is_not(None))
