"""One team: its shared budgets, who uses them, who manages it, and its cost centre."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from nicegui import events, ui

from portal.actions.people.teams import (
    add_manager,
    delete_team,
    move_account,
    remove_manager,
    remove_member,
    set_team_active,
)
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import NotFound
from portal.pages.admin.teams.dialogs import AddPeople, TeamBudget, TeamForm
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live, refresh_all
from portal.pages.components.parts import Text, button, icon, known_facts, tag
from portal.pages.components.shell.frame import Head, frame
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import ORGANISATION, TEAMS
from portal.pages.routing import PageRouter
from portal.pages.team.parts import MemberCard, TeamFigures
from portal.rules.messages import message
from portal.rules.people.team_list import TeamStatus
from portal.views.people.accounts import Viewer
from portal.views.people.teams import Person, TeamView, load_team
from portal.web.visitors import Administrator
from portal.words import _, say
from portal.words.formats import NOTHING, Formats
from portal.words.labels import TEAM_STATUSES

router = PageRouter()

_MANAGERS = (
    Column(
        "name",
        message("Manager"),
        classes="m-name",
        cell=cells.lines(cells.name("name", flows=True), cells.small(cells.name("about", flows=True))),
    ),
    Column("act", message("Actions"), classes="num m-act", hidden_label=True, cell=cells.action("remove", danger=True)),
)


@router.page(TEAMS.path + "/{team_id}")
async def team_page(viewer: Administrator, team_id: int) -> None:
    """Show an administrator one team."""
    if not 0 < team_id < 2**63:
        raise NotFound

    async def load() -> TeamView:
        return await in_reading(load_team, viewer.actor, team_id, utc_now())

    first = await load()
    with frame(first.item.name, viewer, section=TEAMS) as head:
        page = TeamPage(viewer, first, head)
        await live(("team", viewer.id, team_id), load, page.show, head.updated(only_stale=True))


class TeamPage:
    """The open page of a team, with everything that an administrator changes."""

    def __init__(self, viewer: Viewer, first: TeamView, head: Head) -> None:
        """Draw it without figures."""
        self._viewer, self._view, self._head = viewer, first, head
        formats = Formats.of(viewer)
        with head.side:
            button(_("Set budget"), self._set_budget, kind="primary")
        self._notice = Notice()
        self._figures = TeamFigures(formats)
        self._members = MemberCard(formats, removes=True)
        with self._members.head:
            opener = button(_("Add members"), self._add_members, icon="plus")
        with tag("div", "mp-two"):
            self._managers = ManagerCard(self._ask_manager, self._add_managers)
            self._details = DetailsCard(formats, first.item.id, self._edit, self._ask_status, self._ask_delete)
        self._form = TeamForm(viewer, _("Edit team"), self._changed, self._now)
        self._budget = TeamBudget(viewer, formats, self._refresh, self._now)
        self._adding = AddPeople(
            viewer,
            _("Add members"),
            _("An account is in one team only. Its usage counts here from now on; earlier usage stays where it is."),
            self._add_member,
            opener,
        )
        self._promoting = AddPeople(
            viewer,
            _("Add managers"),
            _("A manager sees the usage of the team and decides the requests of its members, and need not be one."),
            self._add_manager,
            self._managers.opener,
        )
        self._removing = Confirmation(_("Keep"), _("Remove"), home=opener)
        self._suspending = Confirmation(_("Keep it active"), _("Suspend team"))
        self._deleting = Confirmation(_("Keep team"), _("Delete team"))
        self._members.table.on("remove", self._ask_member)

    def show(self, view: TeamView, now: datetime) -> None:
        """Show newer figures."""
        self._view = view
        self._head.title.show(view.item.name)
        self._figures.show(view, now)
        self._members.show(view)
        self._managers.show(view.managers)
        self._details.show(view, now)

    def _now(self) -> TeamView:
        return self._view

    def _edit(self) -> None:
        self._form.open()

    def _set_budget(self) -> None:
        self._budget.open()

    async def _add_members(self) -> None:
        await self._adding.open([member.id for member in self._view.members])

    async def _add_managers(self) -> None:
        await self._promoting.open([person.id for person in self._view.managers])

    async def _add_member(self, account_id: int) -> None:
        await in_transaction(move_account, self._viewer.actor, account_id, self._view.item.id, utc_now())
        await self._refresh()

    async def _add_manager(self, account_id: int) -> None:
        await in_transaction(add_manager, self._viewer.actor, self._view.item.id, account_id, utc_now())
        await self._refresh()

    async def _changed(self, _: int) -> None:
        await self._refresh()

    async def _refresh(self) -> None:
        await refresh_all(self._viewer.id)

    def _ask_member(self, event: events.GenericEventArguments) -> None:
        member = next((each for each in self._view.members if each.id == event.args), None)
        if member is None:
            return
        account_id, name = member.id, member.display_name

        async def remove() -> None:
            await in_transaction(remove_member, self._viewer.actor, self._view.item.id, account_id, utc_now())
            self._notice.say(_("{name} is in no team now.", name=name))
            await self._refresh()

        question = _(
            "What {name} has used stays in the figures of this team. Later usage counts for no team.", name=name
        )
        self._removing.ask(_("Remove this member?"), question, remove, code=member.username)

    def _ask_manager(self, event: events.GenericEventArguments) -> None:
        person = next((each for each in self._view.managers if each.id == event.args), None)
        if person is None:
            return
        account_id, name = person.id, person.display_name

        async def remove() -> None:
            await in_transaction(remove_manager, self._viewer.actor, self._view.item.id, account_id, utc_now())
            self._notice.say(_("{name} does not manage this team any more.", name=name))
            await self._refresh()

        question = _("{name} sees the team no longer, and decides no requests of its members.", name=name)
        self._removing.ask(_("Remove this manager?"), question, remove, code=person.username)

    async def _ask_status(self) -> None:
        if self._view.item.status is TeamStatus.SUSPENDED:
            await self._set_active(True)
            return

        async def suspend() -> None:
            await self._set_active(False)

        question = _("Requests of all members are refused until the team is active again.")
        self._suspending.ask(_("Suspend this team?"), question, suspend)

    async def _set_active(self, active: bool) -> None:
        item = self._view.item
        await in_transaction(set_team_active, self._viewer.actor, item.id, active, utc_now(), version=item.version)
        await self._refresh()

    def _ask_delete(self) -> None:
        async def delete() -> None:
            await in_transaction(delete_team, self._viewer.actor, self._view.item.id, utc_now())
            ui.navigate.to(TEAMS.path)

        question = _("Only a team without members and without usage can be deleted. This cannot be undone.")
        self._deleting.ask(_("Delete this team?"), question, delete)


class ManagerCard:
    """The managers of a team."""

    def __init__(self, remove: Callable[..., object], add: Callable[[], Awaitable[None]]) -> None:
        """Draw the card with an empty table; `remove` gets the event of a row, `add` is called for new ones."""
        with tag("section", "mp-card", aria_label=_("Managers")):
            with tag("div", "mp-card__head mp-card__head--table"):
                with ui.element("div"):
                    Text("h2", _("Managers"))
                    about = _("They see this team and decide the requests of its members.")
                    Text("p", about).classes("mp-card__sub")
                self.opener = button(_("Add managers"), add, icon="plus")
            self._table = data_table(
                "managers", _MANAGERS, test_id="managers-table", label=_("Managers"), becomes_cards=False
            )
            self._table.when_empty("user", _("No managers"), _("Administrators decide the requests of the members."))
        self._table.on("remove", remove)

    def show(self, managers: Sequence[Person]) -> None:
        """Show newer rows."""
        self._table.show_rows(
            [
                {
                    "id": person.id,
                    "name": person.display_name,
                    "about": person.username,
                    "off": not person.active,
                    "remove": _("Remove"),
                    "remove_label": _("Remove {name}", name=person.username),
                }
                for person in managers
            ]
        )


class DetailsCard:
    """Cost centre, status and age of a team, with the buttons that end it."""

    def __init__(
        self,
        formats: Formats,
        team_id: int,
        edit: Callable[..., object],
        switch: Callable[..., object],
        delete: Callable[..., object],
    ) -> None:
        """Draw it without values; `switch` suspends or activates the team."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Details"), data_testid="team-details"):
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", _("Details"))
                button(_("Edit"), edit, icon="pencil")
            with tag("div", "mp-card__body"):
                names = _("Cost centre"), _("Status"), _("Members"), _("Created")
                self._values = known_facts(*names)
                with tag("p", "team-usage"), tag("a", "mp-more", href=f"{ORGANISATION.path}?team={team_id}"):
                    Text("span", _("All usage of this team"))
                    icon("arrow")
            with tag("div", "mp-card__foot"):
                self._switch = button("", switch, kind="danger")
                button(_("Delete team"), delete, kind="danger")

    def show(self, view: TeamView, now: datetime) -> None:
        """Show newer values."""
        f, item = self._formats, view.item
        texts = (
            item.cost_centre or NOTHING,
            say(TEAM_STATUSES[item.status]),
            f.number(item.members),
            f.moment(item.created_at, now),
        )
        for value, text in zip(self._values, texts, strict=True):
            value.show(text)
        is_active = item.status is TeamStatus.ACTIVE
        self._switch.set_text(_("Suspend team") if is_active else _("Activate team"))
