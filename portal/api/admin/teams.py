"""The teams for administrators: the list, its export, and changes."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.actions.people.teams import (
    add_manager,
    change_team,
    create_team,
    delete_team,
    move_account,
    remove_manager,
    remove_member,
    set_team_active,
    set_team_budget,
)
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    BudgetLevel,
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.exports.tables import Euros
from portal.rules.people.actors import Actor
from portal.rules.people.team_list import TEAM_LIST, TeamStatus
from portal.rules.people.teams import MOST_COST_CENTRE, MOST_NAME
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.rules.spending.pricing import eur_text
from portal.views.people.teams import MemberView, Person, TeamItem, TeamView, load_team, load_team_list, load_team_rows
from portal.views.spending.budget import BudgetView

router = admin_router("Teams")

READ, WRITE = "teams:read", "teams:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]
TEAM = "/admin/api/teams/{team_id}"

Name = Annotated[str, Field(min_length=1, max_length=MOST_NAME)]
CostCentre = Annotated[str, Field(max_length=MOST_COST_CENTRE)]
Limit = Annotated[int | None, Field(ge=0, le=MAX_LIMIT, description="Billable tokens; null: no limit")]
Version = Annotated[
    str | None, Field(description="`version` of the team that the change is based on; 409 if it was changed since")
]


class TeamQuery(ListQuery):
    """A filter of the teams; `search` looks in name and cost centre."""

    status: str = Field(default="", json_schema_extra={"enum": ["", *TeamStatus]})


class TeamPageQuery(TeamQuery, PageParameters):
    """A filter and a page."""


class TeamExportQuery(TeamQuery, ExportParameters):
    """Which teams to export, and in which format."""


class TeamLimits(Body):
    """The limits that the members of a team share."""

    daily: Limit = None
    monthly: Limit = None
    total: Limit = None

    def limits(self) -> Limits:
        """Return them for the action."""
        return Limits(self.daily, self.monthly, self.total)


class NewTeamBody(TeamLimits):
    """Name, cost centre and limits of a team to create."""

    name: Name
    cost_centre: CostCentre = ""


class TeamBody(Body):
    """Other values of a team; an absent one stays as it is."""

    name: Name | None = None
    cost_centre: CostCentre | None = None
    version: Version = None


class TeamBudgetBody(TeamLimits):
    """All limits of a team; an absent one is none."""

    version: Version = None


class TeamAnswer(BaseModel):
    """A team; tokens are billable, they and the cost are those of this month of the budget time zone."""

    id: int
    name: str
    cost_centre: str
    status: str
    created_at: datetime
    members: int
    daily: int | None
    monthly: int | None
    total: int | None
    tokens: int
    requests: int
    cost_eur: str = Field(description="EUR, an exact decimal string", examples=["0.01486"])
    unpriced: int = Field(description="Requests of this month without a price, which are not in the cost")
    budget: BudgetLevel | None = Field(description="The fullest budget; null without a limit")
    version: str = Field(description="Differs after each change of name, cost centre, limits or status")

    @classmethod
    def of(cls, row: TeamItem) -> Self:
        """Return a team as JSON."""
        month, limits = row.month, row.limits
        figures = {"tokens": month.tokens, "requests": month.requests, "unpriced": month.unpriced}
        others: dict[str, Any] = figures | {
            "daily": limits.daily,
            "monthly": limits.monthly,
            "total": limits.total,
            "cost_eur": eur_text(month.cost_nano_eur),
            "budget": BudgetLevel.of(row.period, row.budget),
        }
        same = {name: getattr(row, name) for name in TeamAnswer.model_fields.keys() - others.keys()}
        return cls.model_validate(same | others)


class PeriodAnswer(BaseModel):
    """One of the three budgets of a team, in billable tokens; null means no limit, or no reset."""

    period: str
    used: int
    limit: int | None
    percent: str | None = Field(description="One decimal, may exceed 100", examples=["71.4"])
    level: str | None
    cost_eur: str
    resets_at: datetime | None

    @classmethod
    def of(cls, view: BudgetView) -> Self:
        """Return a budget as JSON."""
        return cls(
            period=view.period,
            used=view.budget.consumed,
            limit=view.budget.limit,
            percent=None if view.percent is None else f"{view.percent}",
            level=view.level,
            cost_eur=eur_text(view.figures.cost_nano_eur),
            resets_at=view.resets_at,
        )


class PersonAnswer(BaseModel):
    """An account in a team."""

    id: int
    username: str
    display_name: str
    active: bool

    @classmethod
    def of(cls, row: Person | MemberView) -> "PersonAnswer":
        """Return an account as JSON."""
        return PersonAnswer(**{name: getattr(row, name) for name in PersonAnswer.model_fields})


class MemberAnswer(PersonAnswer):
    """A member, with the usage of this month that counted for the team."""

    tokens: int
    requests: int
    cost_eur: str
    remaining: int | None = Field(description="Tokens that all budgets of the account allow; null without a limit")
    budget: BudgetLevel | None = Field(description="The fullest budget of the account; null without a limit")


class TeamDetails(BaseModel):
    """A team with its budgets, managers, and the 200 members with most tokens."""

    team: TeamAnswer
    budgets: list[PeriodAnswer]
    managers: list[PersonAnswer]
    members: list[MemberAnswer]


COLUMNS = (
    *("name", "cost_centre", "status", "members", "tokens_this_month", "cost_this_month_eur"),
    *("budget_period", "budget_percent", "budget_level", "created_at"),
)
"""The columns of the export: billable tokens, EUR, instants in UTC."""


@router.get("/admin/api/teams", responses=answers(401, 403))
def read_teams(session: Reading, caller: Reader, query: Annotated[TeamPageQuery, Query()]) -> ListAnswer[TeamAnswer]:
    """Return one page of the teams that match a filter."""
    wanted = query.filter(TEAM_LIST)
    view = load_team_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, TeamAnswer.of)


@router.get("/admin/api/teams/export", **export_route(READ, COLUMNS))
def export_teams(session: Streaming, caller: Reader, query: Annotated[TeamExportQuery, Query()]) -> StreamingResponse:
    """Return all teams that match a filter, as a file."""
    now = utc_now()
    rows = load_team_rows(session, caller, query.filter(TEAM_LIST), now)
    return export_file("teams", "Teams", COLUMNS, map(_cells, rows), query.format, query.bom, now)


@router.post(
    "/admin/api/teams",
    status_code=201,
    openapi_extra=body_documentation(NewTeamBody),
    responses=answers(401, 403, 409, 415),
)
def add_team(
    caller: Writer, session: Writing, new: Annotated[NewTeamBody, Depends(JsonBody(NewTeamBody))]
) -> TeamDetails:
    """Create a team without members."""
    now = utc_now()
    team_id = create_team(session, caller, new.name, new.cost_centre, now, new.limits())
    return _details(load_team(session, caller, team_id, now))


@router.get(TEAM, responses=answers(401, 403, 404))
def read_team(session: Reading, caller: Reader, team_id: RowId) -> TeamDetails:
    """Return one team."""
    return _details(load_team(session, caller, team_id, utc_now()))


@router.patch(TEAM, openapi_extra=body_documentation(TeamBody), responses=answers(401, 403, 404, 409, 415))
def edit_team(
    caller: Writer, session: Writing, team_id: RowId, new: Annotated[TeamBody, Depends(JsonBody(TeamBody))]
) -> TeamDetails:
    """Change the name or the cost centre of a team."""
    now = utc_now()
    change_team(session, caller, team_id, now, **new.model_dump())
    return _details(load_team(session, caller, team_id, now))


@router.put(
    f"{TEAM}/budget", openapi_extra=body_documentation(TeamBudgetBody), responses=answers(401, 403, 404, 409, 415)
)
def put_team_budget(
    caller: Writer, session: Writing, team_id: RowId, new: Annotated[TeamBudgetBody, Depends(JsonBody(TeamBudgetBody))]
) -> TeamDetails:
    """Replace all limits of a team."""
    now = utc_now()
    set_team_budget(session, caller, team_id, new.limits(), now, version=new.version)
    return _details(load_team(session, caller, team_id, now))


_CHANGE: dict[str, Any] = {"status_code": 204, "dependencies": [NO_BODY], "responses": answers(401, 403, 404, 409, 415)}


@router.put(f"{TEAM}/members/{{account_id}}", **_CHANGE)
def put_member(caller: Writer, session: Writing, team_id: RowId, account_id: RowId) -> None:
    """Move an account into a team, also from another one; its later usage counts there. May be repeated."""
    move_account(session, caller, account_id, team_id, utc_now())


@router.delete(f"{TEAM}/members/{{account_id}}", **_CHANGE)
def delete_member(caller: Writer, session: Writing, team_id: RowId, account_id: RowId) -> None:
    """Move an account out of a team; its stored usage stays there."""
    remove_member(session, caller, team_id, account_id, utc_now())


@router.put(f"{TEAM}/managers/{{account_id}}", **_CHANGE)
def put_manager(caller: Writer, session: Writing, team_id: RowId, account_id: RowId) -> None:
    """Let an account manage a team. May be repeated."""
    add_manager(session, caller, team_id, account_id, utc_now())


@router.delete(f"{TEAM}/managers/{{account_id}}", **_CHANGE)
def delete_manager(caller: Writer, session: Writing, team_id: RowId, account_id: RowId) -> None:
    """End that an account manages a team. May be repeated."""
    remove_manager(session, caller, team_id, account_id, utc_now())


@router.post(f"{TEAM}/suspend", **_CHANGE)
def suspend_team(caller: Writer, session: Writing, team_id: RowId) -> None:
    """Refuse the requests of all members from now on. May be repeated."""
    set_team_active(session, caller, team_id, False, utc_now())


@router.post(f"{TEAM}/activate", **_CHANGE)
def activate_team(caller: Writer, session: Writing, team_id: RowId) -> None:
    """Let the members of a suspended team spend again. May be repeated."""
    set_team_active(session, caller, team_id, True, utc_now())


@router.delete(TEAM, **_CHANGE)
def end_team(caller: Writer, session: Writing, team_id: RowId) -> None:
    """Delete a team that has neither members nor usage."""
    delete_team(session, caller, team_id, utc_now())


def _details(view: TeamView) -> TeamDetails:
    return TeamDetails(
        team=TeamAnswer.of(view.item),
        budgets=[PeriodAnswer.of(each) for each in view.budgets.all],
        managers=[PersonAnswer.of(person) for person in view.managers],
        members=[
            MemberAnswer(
                **PersonAnswer.of(member).model_dump(),
                tokens=member.figures.tokens,
                requests=member.figures.requests,
                cost_eur=eur_text(member.figures.cost_nano_eur),
                remaining=member.remaining,
                budget=BudgetLevel.of(member.period, member.budget),
            )
            for member in view.members
        ],
    )


def _cells(row: TeamItem) -> list[Any]:
    """Return a team in the order of COLUMNS."""
    percent, level = (row.budget.percent, row.budget.level) if row.budget else (None, None)
    return [
        *(row.name, row.cost_centre, row.status, row.members, row.month.tokens, Euros(row.month.cost_nano_eur)),
        *(row.period, percent, level, row.created_at),
    ]
