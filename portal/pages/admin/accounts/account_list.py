"""Accounts: the list of all people, with their usage of this month and their fullest budget."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request

from portal.db.sql.session import in_reading
from portal.pages.addresses import account_url
from portal.pages.admin.accounts.account_import import ImportAccounts
from portal.pages.admin.accounts.account_new import NewAccount
from portal.pages.admin.accounts.bulk_dialogs import BulkBudget, BulkName, BulkSuspend, ChosenAccounts
from portal.pages.admin.accounts.default_budgets import DefaultBudgets
from portal.pages.components import cells
from portal.pages.components.bulk.selection import SelectableList, choice_column
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.listing import Place
from portal.pages.components.parts import button, icon_name
from portal.pages.components.shell.frame import frame
from portal.pages.components.table_list import sorted_column, table_listing
from portal.pages.navigation import ACCOUNTS
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.account_bulk import BulkKind
from portal.rules.people.account_list import ACCOUNT_LIST, EVERY_STATUS, NO_TEAM, AccountStatus
from portal.rules.people.accounts import Role
from portal.views.people.account_list import AccountItem, load_account_list
from portal.views.people.accounts import Viewer
from portal.views.people.teams import load_team_names
from portal.web.visitors import Administrator
from portal.words import _, plural, say
from portal.words.labels import ROLES, STATUSES

router = PageRouter()

LISTING = table_listing(ACCOUNTS.path, ACCOUNT_LIST, load_account_list, "/admin/api/accounts/export")

_PERSON = cells.lines(cells.link(cells.name("name", flows=True)), cells.small(cells.name("username", flows=True)))
_ROLE = cells.lines(cells.text("role"), cells.small(cells.name("team", flows=True), given="team"))
_COLUMNS = (
    choice_column(),
    sorted_column("name", message("Name"), classes="a-name", cell=_PERSON, spans=2),
    sorted_column("username", message("Username"), heading="mp-joined", spans=0),
    sorted_column("email", message("Email"), classes="a-email", cell=cells.name("email", flows=True)),
    sorted_column("role", message("Role"), classes="a-role", cell=_ROLE, spans=2),
    sorted_column("team", message("Team"), heading="mp-joined", spans=0),
    sorted_column("status", message("Status"), classes="a-status", cell=cells.status()),
    sorted_column("tokens", message("Tokens this month"), classes="num a-tokens mp-weigh", attributes=cells.WEIGHT),
    sorted_column("cost", message("Cost this month"), classes="num a-cost"),
    sorted_column(
        "level",
        message("Budget level"),
        classes="a-level",
        cell=cells.fullest_level(),
        attributes=cells.exact("budget"),
    ),
    sorted_column("signed_in", message("Last sign-in"), classes="a-seen", attributes=cells.exact("signed_in_exact")),
)


@router.page(ACCOUNTS.path)
async def accounts_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator all accounts."""
    place, complaint = LISTING.read(request.query_params)
    teams = await in_reading(load_team_names, viewer.actor)
    with frame(ACCOUNTS, viewer) as head:
        await AccountList(viewer, place, teams).open(head, complaint)


class AccountList(SelectableList[AccountItem]):
    """The filters, the table of the accounts, and the dialogs that change those that are chosen."""

    name = "accounts"
    test_id = "accounts-table"
    label = message("Accounts")
    rules = ACCOUNT_LIST
    columns = _COLUMNS
    none_yet = (
        message("No accounts yet"),
        message("The command “{command}” creates one.", command="portal user create"),
    )

    def __init__(self, viewer: Viewer, place: Place[ListFilter], teams: Sequence[str]) -> None:
        """Start at `place`; `teams` are the names to choose from."""
        super().__init__(LISTING, viewer, place)
        self._teams = teams

    def draw(self) -> None:
        """Draw the list and the dialogs."""
        notice = Notice()
        super().draw()
        self._new = NewAccount(self.viewer, self.formats, notice, self.refresh, self._adds)
        self._defaults = DefaultBudgets(self.viewer, self.formats, notice)
        self._import = ImportAccounts(self.viewer, self.formats, notice, self.refresh, self._imports)
        chosen = ChosenAccounts(self.viewer, notice, self.changed, self._opener)
        self._budget = BulkBudget(
            chosen, self.formats, lambda subject: chosen.choose_again(subject, self.place.wanted, self._total)
        )
        self._team, self._template = BulkName(chosen, BulkKind.TEAM), BulkName(chosen, BulkKind.TEMPLATE)
        self._suspend = BulkSuspend(chosen, self._opener)

    def draw_side(self) -> None:
        """Draw the buttons that open the dialogs of default budgets and of new accounts."""
        button(_("Default budgets"), self._open_defaults)
        self._imports = button(_("Import"), lambda: self._import.open())  # noqa: PLW0108  # the dialog is drawn after the button
        self._adds = button(_("New account"), self._open_new, kind="primary", icon="plus").classes("a-adds")

    async def _open_defaults(self) -> None:
        await self._defaults.open()

    async def _open_new(self) -> None:  # the dialog is drawn after the button
        await self._new.open()

    def draw_actions(self) -> None:
        """Draw the buttons that change the chosen accounts."""
        self._opener = button(_("Set budget"), lambda: self._budget.open(*self._choice()))
        button(_("Move to team"), lambda: self._team.open(*self._choice()))
        button(_("Assign template"), lambda: self._template.open(*self._choice()))
        button(_("Activate"), lambda: self._suspend.activate(*self._choice()))
        button(_("Suspend"), lambda: self._suspend.open(*self._choice()), kind="danger")

    def _choice(self) -> tuple[list[int] | None, int, ListFilter]:
        return self.chosen, self.chosen_count, self.place.wanted

    def chosen_words(self, count: int) -> str:
        """Return how many accounts are chosen, in words."""
        return plural("{count} account chosen", "{count} accounts chosen", count)

    def choose_label(self, row: AccountItem) -> str:
        """Return the name of the box of an account."""
        return _("Choose {username}", username=row.username)

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the choices of a role, a team and a status."""
        roles = {role.value: say(words) for role, words in ROLES.items()}
        bar.choice("role", _("Role"), {"": _("All")} | roles, names=False)
        some = {"": _("All"), NO_TEAM: _("Without a team")}
        bar.choice("team", _("Team"), some | {name: name for name in self._teams}, names=True)
        statuses = {status.value: say(words) for status, words in STATUSES.items()}
        everyone = {"": _("All but deleted"), EVERY_STATUS: _("All")}
        bar.choice("status", _("Status"), everyone | statuses, names=False)

    def counted(self, total: int) -> str:
        """Return the number of accounts in words."""
        return plural("{count} account", "{count} accounts", total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows, with lines for the share of the largest."""
        self._largest = max((row.month.tokens for row in view.rows), default=0)
        super().show(view, now)

    def cells(self, row: AccountItem, now: datetime) -> dict[str, Any]:
        """Return the values of an account."""
        f = self.formats
        return {
            "id": row.id,
            "username": row.username,
            "name": row.display_name,
            "email": row.email,
            "team": row.team or "",
            "href": account_url(row.id),
            "role": say(ROLES[Role(row.role)]),
            "status": say(STATUSES[row.status]),
            "icon": icon_name("check" if row.status is AccountStatus.ACTIVE else "ban"),
            "off": row.status is not AccountStatus.ACTIVE,
            "tokens": f.number(row.month.tokens),
            "weight": cells.weight(row.month.tokens, self._largest),
            "cost": f.cost(row.month),
            **cells.fullest_values(row.period, row.budget, f.percent(row.budget.percent) if row.budget else ""),
            "signed_in": f.moment(row.signed_in_at, now) if row.signed_in_at else _("Never"),
            "signed_in_exact": f.exact(row.signed_in_at),
        }
