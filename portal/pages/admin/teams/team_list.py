"""Teams: the list of all teams, with their usage of this month and their fullest budget."""

from datetime import datetime
from typing import Any

from nicegui import ui
from starlette.requests import Request

from portal.pages.admin.teams.dialogs import TeamForm
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.parts import button
from portal.pages.components.shell.frame import frame
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import TEAMS
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.team_list import TEAM_LIST, TeamStatus
from portal.views.people.teams import TeamItem, load_team_list
from portal.web.visitors import Administrator
from portal.words import _, plural, say
from portal.words.formats import NOTHING
from portal.words.labels import TEAM_STATUSES

router = PageRouter()

LISTING = table_listing(TEAMS.path, TEAM_LIST, load_team_list, "/admin/api/teams/export")

_SUSPENDED = cells.span(cells.picture("ban") + cells.text("status"), "mp-badge", given="status")
_COLUMNS = (
    sorted_column(
        "name", message("Name"), classes="t-name", cell=cells.link(cells.name("name", flows=True)) + _SUSPENDED
    ),
    sorted_column(
        "cost_centre", message("Cost centre"), classes="t-centre", cell=cells.name("cost_centre", flows=True)
    ),
    sorted_column(
        "members",
        message("Members"),
        classes="num t-members",
        cell=cells.not_on_phone(cells.text("members")) + cells.on_phone(cells.text("members_in_words")),
    ),
    sorted_column("tokens", message("Tokens this month"), classes="num t-tokens mp-weigh", attributes=cells.WEIGHT),
    sorted_column("cost", message("Cost this month"), classes="num t-cost"),
    sorted_column(
        "level",
        message("Budget level"),
        classes="t-level",
        cell=cells.fullest_level(),
        attributes=cells.exact("budget"),
    ),
)


@router.page(TEAMS.path)
async def teams_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator all teams."""
    place, complaint = LISTING.read(request.query_params)
    with frame(TEAMS, viewer) as head:
        await TeamList(LISTING, viewer, place).open(head, complaint)


def team_url(team_id: int) -> str:
    """Return the address of the page of a team for administrators."""
    return f"{TEAMS.path}/{team_id}"


class TeamList(TableList[TeamItem]):
    """The filters, the table of the teams, and the dialog for a new one."""

    name = "teams"
    test_id = "teams-table"
    label = message("Teams")
    rules = TEAM_LIST
    columns = _COLUMNS
    none_yet = (
        message("No teams yet"),
        message("A team shares a budget and a cost centre. Create one, then add its members."),
    )

    def draw_side(self) -> None:
        """Draw the button for a new team."""
        button(_("New team"), self._create, icon="plus", kind="primary")

    def draw(self) -> None:
        """Draw the list and the dialog."""
        super().draw()
        self._new = TeamForm(self.viewer, _("New team"), self._show_team)

    def _create(self) -> None:
        self._new.open()

    async def _show_team(self, team_id: int) -> None:
        ui.navigate.to(team_url(team_id))

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the choice of a status."""
        statuses = {status.value: say(words) for status, words in TEAM_STATUSES.items()}
        bar.choice("status", _("Status"), {"": _("All")} | statuses, names=False)

    def counted(self, total: int) -> str:
        """Return the number of teams in words."""
        return plural("{count} team", "{count} teams", total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows, with lines for the share of the largest."""
        self._largest = max((row.month.tokens for row in view.rows), default=0)
        super().show(view, now)

    def cells(self, row: TeamItem, now: datetime) -> dict[str, Any]:  # noqa: ARG002  # it has no instants
        """Return the values of a team."""
        f, is_active = self.formats, row.status is TeamStatus.ACTIVE
        return {
            "id": row.id,
            "name": row.name,
            "href": team_url(row.id),
            "status": "" if is_active else say(TEAM_STATUSES[row.status]),
            "off": not is_active,
            "cost_centre": row.cost_centre or NOTHING,
            "members": f.number(row.members),
            "members_in_words": plural("{count} member", "{count} members", row.members),
            "tokens": f.number(row.month.tokens),
            "weight": cells.weight(row.month.tokens, self._largest),
            "cost": f.cost(row.month),
            **cells.fullest_values(row.period, row.budget, f.percent(row.budget.percent) if row.budget else ""),
        }
