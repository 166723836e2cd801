"""The usage of one month by team and person, for chargeback: from the daily roll-ups, so with pruned events."""

from dataclasses import dataclass

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.orm import Session

from portal.db.metering.totals import figures_of
from portal.db.tables import Account, Team, UsageDaily
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.periods import DayRange


@dataclass(frozen=True, slots=True)
class PersonUsage:
    """The usage of one account in one team; without a team, `team_id` is 0 and `team` and `cost_centre` are empty."""

    team_id: int
    team: str
    cost_centre: str
    username: str
    name: str
    figures: Figures


def usage_of_people(session: Session, days: DayRange) -> list[PersonUsage]:
    """Return the usage on `days` by cost centre, team and account, in this order; usage without a team comes last."""
    sums = [cast(func.sum(getattr(UsageDaily, name)), BigInteger).label(name) for name in SUMS]
    found = (
        select(UsageDaily.team_id, UsageDaily.account_id, *sums)
        .where(UsageDaily.day.between(days.first, days.last))
        .group_by(UsageDaily.team_id, UsageDaily.account_id)
        .subquery()
    )
    team, centre = func.coalesce(Team.name, ""), func.coalesce(Team.cost_centre, "")
    rows = session.execute(
        select(found.c.team_id, team, centre, Account.username, Account.display_name, *(found.c[name] for name in SUMS))
        .join(Account, Account.id == found.c.account_id)
        .outerjoin(Team, Team.id == found.c.team_id)
        .where(found.c.requests != 0)
        .order_by(found.c.team_id == 0, centre, team, found.c.team_id, Account.username)
    )
    return [PersonUsage(row[0], row[1], row[2], row[3], row[4], figures_of(row[5:])) for row in rows]
