"""The parts of the pages of a team: its budgets, its chart, and its members with their usage of this month."""

from datetime import datetime
from typing import Any

from nicegui import ui

from portal.pages.account.budget_cards import BudgetCard
from portal.pages.addresses import account_url
from portal.pages.components import cells
from portal.pages.components.charts.chart import UsageChart
from portal.pages.components.parts import Text, icon, tag
from portal.pages.components.table import Column, DataTable, data_table
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.people.account_list import AccountStatus
from portal.rules.people.team_list import TeamStatus
from portal.rules.periods import Period
from portal.views.people.teams import MemberView, TeamView
from portal.words import _, context, plural, say
from portal.words.formats import Formats
from portal.words.labels import STATUSES

_WHO = cells.name("name", flows=True)
_NAME = cells.lines(
    cells.first_of(("href", cells.link(_WHO)), otherwise=_WHO),
    cells.small(cells.name("about", flows=True), given="about"),
)
_MEMBERS = (
    Column("name", message("Member"), classes="m-name", cell=_NAME, total=cells.text("name")),
    Column(
        "tokens",
        message("Tokens this month"),
        classes="num m-tokens mp-weigh",
        attributes=cells.WEIGHT,
        total=cells.text("tokens"),
    ),
    Column("cost", message("Cost this month"), classes="num m-cost"),
    Column(
        "level",
        message("Budget level"),
        classes="m-level",
        cell=cells.fullest_level(),
        attributes=cells.exact("budget"),
        total="",
    ),
    Column(
        "remaining",
        message("Remaining"),
        classes="num m-remaining",
        cell=cells.text("remaining") + cells.on_phone(cells.text("left")),
        attributes=cells.exact("remaining_title"),
        total="",
    ),
)
_REMOVE = Column(
    "act",
    message("Actions"),
    classes="num m-act",
    hidden_label=True,
    cell=cells.action("remove", danger=True),
    total="",
)


class TeamFigures:
    """The shared budgets with their usage, the chart of the last days, and a message while the team is suspended."""

    def __init__(self, formats: Formats) -> None:
        """Draw them with room for their figures."""
        with tag("div", "mp-msg mp-msg--warn", role="status", data_testid="team-suspended") as self._off:
            icon("ban")
            Text("div", _("This team is suspended: requests of its members are refused."))
        self._off.set_visibility(False)
        with tag("div", "mp-cards", data_testid="team-budget"):
            self._cards = {period: BudgetCard(period, formats, is_shared=True) for period in Period}
        self._chart = UsageChart(formats, is_shared=True)

    def show(self, view: TeamView, now: datetime) -> None:
        """Show newer figures."""
        self._off.set_visibility(view.item.status is TeamStatus.SUSPENDED)
        for budget in view.budgets.all:
            self._cards[budget.period].show(budget, now)
        self._chart.show(view.days, view.budgets.daily.budget.limit)


class MemberCard:
    """The members with their usage that counted for the team, and the rest of their own budgets.

    The last row is the usage of the team. An administrator removes members here.
    """

    def __init__(self, formats: Formats, *, removes: bool = False) -> None:
        """Draw the card with an empty table; `head` has room for a button."""
        self._formats = formats
        self._removes = removes
        with tag("section", "mp-card", aria_label=_("Members")):
            with tag("div", "mp-card__head mp-card__head--table") as self.head, ui.element("div"):
                Text("h2", _("Members"))
                about = _(
                    "Usage of this month that counted for the team. Budget level and rest are those of each account."
                )
                Text("p", about).classes("mp-card__sub")
            columns = (*_MEMBERS, _REMOVE) if removes else _MEMBERS
            self.table: DataTable = data_table(
                "members", columns, test_id="members-table", label=_("Members"), has_total=True
            )
            self.table.when_empty(
                "users", _("No members yet"), _("Usage counts for a team from the day its people are in it.")
            )

    def show(self, view: TeamView) -> None:
        """Show newer rows."""
        most = max((member.figures.tokens for member in view.members), default=0)
        rows = [self._member(member, most) for member in view.members]
        if view.others.requests:
            left = view.item.members - len(view.members)
            rows.append(self._sum("others", plural("{count} other member", "{count} other members", left), view.others))
        if view.former.requests:
            rows.append(self._sum("former", _("Former members"), view.former))
        self.table.show_rows(rows)
        name = context("sum of a table", "Total")
        self.table.show_state(
            name=name, tokens=self._formats.number(view.item.month.tokens), cost=self._formats.cost(view.item.month)
        )

    def _member(self, member: MemberView, most: int) -> dict[str, Any]:
        f = self._formats
        status = "" if member.active else f" · {say(STATUSES[AccountStatus.SUSPENDED])}"
        percent = f.percent(member.budget.percent) if member.budget else ""
        remaining = "" if member.remaining is None else f.number(member.remaining)
        return {
            "id": member.id,
            "name": member.display_name,
            "href": account_url(member.id) if self._removes else "",
            "about": f"{member.username}{status}",
            "off": not member.active,
            "tokens": f.number(member.figures.tokens),
            "weight": cells.weight(member.figures.tokens, most),
            "cost": f.cost(member.figures),
            **cells.fullest_values(member.period, member.budget, percent),
            "remaining": f.limit(member.remaining),
            "left": f" {_('remaining')}" if remaining else "",
            "remaining_title": _("Tokens that all budgets of the account allow together"),
            "remove": _("Remove") if self._removes else "",
            "remove_label": _("Remove {name}", name=member.username),
        }

    def _sum(self, row_id: str, name: str, figures: Figures) -> dict[str, Any]:
        f = self._formats
        return {"id": row_id, "name": name, "tokens": f.number(figures.tokens), "cost": f.cost(figures)}
