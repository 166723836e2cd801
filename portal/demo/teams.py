"""The demo's teams: usual, nearly used up, without a budget, and suspended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.people.teams import add_manager, create_team, move_account, set_team_active, set_team_budget
from portal.db.people.accounts import account_named
from portal.db.people.team_list import team_row
from portal.db.people.teams import team_named
from portal.demo.limits import TargetUse
from portal.demo.people import OWNER
from portal.rules.people.actors import Actor
from portal.rules.periods import Period, day_of
from portal.rules.spending.budgets import Limits


@dataclass(frozen=True, slots=True)
class DemoTeam:
    """A team of the demo; its budgets are chosen so that the given parts of them are used."""

    name: str
    cost_centre: str
    members: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    budgets: Mapping[Period, TargetUse] = field(default_factory=dict)
    active: bool = True


TEAMS = (
    DemoTeam(
        "Language Technology",
        "K-4711",
        (OWNER, "haruka.tanaka"),
        (OWNER,),
        {Period.DAILY: TargetUse(38, 500_000, 8_000_000), Period.MONTHLY: TargetUse(63, 1_000_000, 60_000_000)},
    ),
    DemoTeam("Analytics", "K-4720", ("aylin.demir", "tuuli.virtanen"), ("aylin.demir",)),
    DemoTeam(
        "Theses 2026",
        "K-4790",
        ("lena.brandt", "piotr.nowak"),
        (OWNER, "aylin.demir"),
        {Period.TOTAL: TargetUse(93, 100_000)},
    ),
    DemoTeam("Library Pilot", "", active=False),
)


def add_teams(session: Session, actor: Actor, begun: datetime) -> None:
    """Create the teams with their people, before usage is stored."""
    for number, wanted in enumerate(TEAMS):
        created = begun + timedelta(hours=number)
        team_id = create_team(session, actor, wanted.name, wanted.cost_centre, created)
        for username in wanted.members:
            move_account(session, actor, _id_of(session, username), team_id, created)
        for username in wanted.managers:
            add_manager(session, actor, team_id, _id_of(session, username), created)


def limit_teams(session: Session, actor: Actor, now: datetime, tz: ZoneInfo) -> None:
    """Set the budgets from the usage that is stored, and suspend the team that has ended."""
    for wanted in TEAMS:
        team = team_named(session, wanted.name)
        row = team_row(session, team.id, day_of(now, tz)) if team else None
        if row is None:
            raise RuntimeError(f"the demo's team {wanted.name} is missing")
        limits = {period: use.limit(row.used[period].tokens) for period, use in wanted.budgets.items()}
        team_budget = Limits(limits.get(Period.DAILY), limits.get(Period.MONTHLY), limits.get(Period.TOTAL))
        set_team_budget(session, actor, row.id, team_budget, now)
        if not wanted.active:
            set_team_active(session, actor, row.id, False, now)


def _id_of(session: Session, username: str) -> int:
    found = account_named(session, username)
    if found is None:
        raise RuntimeError(f"the demo's account {username} is missing")
    return found.id
