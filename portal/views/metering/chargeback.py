"""The monthly report for chargeback: what each team and each person has used in a month."""

from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy.orm import Session

from portal.db.metering.chargeback import PersonUsage as PersonUsage  # noqa: PLC0414  # for JSON and files
from portal.db.metering.chargeback import usage_of_people
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.organisation import month_days
from portal.rules.people.actors import Actor
from portal.settings import settings
from portal.views.authority import check_reader


@dataclass(frozen=True, slots=True)
class TeamUsage:
    """The usage of a team; usage without a team has the id 0 and no name. `people` are in order of their names."""

    id: int
    name: str
    cost_centre: str
    figures: Figures
    people: tuple[PersonUsage, ...]


@dataclass(frozen=True, slots=True)
class Chargeback:
    """The usage of the month that begins on `month`, in the budget time zone; `made_at` is the time of the report."""

    organisation: str
    month: date
    made_at: datetime
    teams: tuple[TeamUsage, ...]
    totals: Figures


def load_chargeback(session: Session, reader: Actor, month: date, now: datetime) -> Chargeback:
    """Return the report of a month; its totals are those of Organisation Usage of its days. Raises Forbidden."""
    check_reader(session, reader)
    teams = []
    for number, found in groupby(usage_of_people(session, month_days(month)), key=lambda row: row.team_id):
        people = tuple(found)
        sums = total(each.figures for each in people)
        teams.append(TeamUsage(number, people[0].team, people[0].cost_centre, sums, people))
    whole = total(team.figures for team in teams)
    return Chargeback(settings().organisation, month, now, tuple(teams), whole)
