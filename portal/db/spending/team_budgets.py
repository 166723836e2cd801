"""The budget of the team of an account in one period."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from portal.db.tables import Account, Team, TeamCounter
from portal.rules.periods import Period, period_start
from portal.rules.spending.budgets import PeriodBudget


class TeamBudget(NamedTuple):
    """A team, and its limit and usage in one period."""

    team_id: int
    name: str
    budget: PeriodBudget


def team_budget_of(session: Session, account_id: int, period: Period, day: date) -> TeamBudget | None:
    """Return the budget of an account's present team in the period of a day; None without a team."""
    of_team = TeamCounter.team_id == Team.id
    in_period = TeamCounter.period == period.value, TeamCounter.start == period_start(period, day)
    limit = {Period.DAILY: Team.daily, Period.MONTHLY: Team.monthly, Period.TOTAL: Team.total}[period]
    row = session.execute(
        select(Team.id, Team.name, limit, func.coalesce(TeamCounter.tokens, 0))
        .join(Account, Account.team_id == Team.id)
        .outerjoin(TeamCounter, and_(of_team, *in_period))
        .where(Account.id == account_id)
    ).first()
    return None if row is None else TeamBudget(row[0], row[1], PeriodBudget(row[2], row[3]))
