"""The dialogs of teams: name and cost centre, the shared budget, and accounts that are added."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

from nicegui import events
from nicegui.element import Element

from portal.actions.people.teams import change_team, create_team, set_team_budget
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import NotSignedIn, PortalError
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Dialog, FormDialog
from portal.pages.components.inputs.fields import Notice, text_field
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.parts import Text, button, set_props
from portal.pages.components.table import Column, data_table
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.messages import message
from portal.rules.people.teams import MOST_COST_CENTRE, MOST_NAME
from portal.views.people.accounts import Viewer
from portal.views.people.teams import Candidate, TeamView, load_candidates
from portal.words import _, say
from portal.words.formats import Formats

_CANDIDATES = (
    Column(
        "name",
        message("Account"),
        classes="c-name",
        cell=cells.lines(cells.text("name"), cells.small(cells.text("about"))),
    ),
    Column(
        "act",
        message("Actions"),
        classes="num c-act",
        hidden_label=True,
        cell=cells.span(cells.text("there"), "mp-faint", given="there") + cells.action("add"),
    ),
)


class TeamForm:
    """Asks for name and cost centre, of a new or an existing team."""

    def __init__(
        self,
        viewer: Viewer,
        title: str,
        after: Callable[[int], Awaitable[None]],
        present: Callable[[], TeamView | None] = lambda: None,
    ) -> None:
        """Draw the dialog closed; `present` is the team to change, `after` gets the id of the team that was saved."""
        self._viewer = viewer
        self._after = after
        self._present = present
        self._team: TeamView | None = None
        self._dialog = FormDialog("team", title, self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            self._name = form.text("name", _("Name"), maxlength=MOST_NAME, autocomplete="off")
            hint = _("Up to 64 characters; may stay empty")
            self._centre = form.text(
                "cost_centre", _("Cost centre"), hint=hint, maxlength=MOST_COST_CENTRE, autocomplete="off"
            )
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._name.control, autofocus=True)

    def open(self) -> None:
        """Ask for the values of the team; without one, of a new team."""
        team = self._team = self._present()
        self._name.fill(team.item.name if team else "")
        self._centre.fill(team.item.cost_centre if team else "")
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    async def _save(self) -> str:
        actor, now, name, centre = self._viewer.actor, utc_now(), self._name.text, self._centre.text
        if self._team is None:
            team_id = await in_transaction(create_team, actor, name, centre, now)
        else:
            team_id, version = self._team.item.id, self._team.item.version
            await in_transaction(change_team, actor, team_id, now, name=name, cost_centre=centre, version=version)
        self._dialog.close()
        await self._after(team_id)
        return ""


class TeamBudget:
    """Asks for the limits that the members of a team share."""

    def __init__(
        self,
        viewer: Viewer,
        formats: Formats,
        after: Callable[[], Awaitable[None]],
        present: Callable[[], TeamView],
    ) -> None:
        """Draw the dialog closed; `present` is the team, `after` is called when its limits are saved."""
        self._viewer = viewer
        self._after = after
        self._present = present
        self._team: TeamView | None = None
        self._dialog = FormDialog("team-budget", _("Budget of the team"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _(
                "Billable tokens; an empty field means no limit. All members share them: while one is used up, the "
                "requests of every member are refused. Their own budgets count too."
            )
            Text("p", about).classes("mp-muted")
            self._limits = LimitFields(form, formats)
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._limits.first, autofocus=True)

    def open(self) -> None:
        """Ask for the budget of the team."""
        team = self._team = self._present()
        self._dialog.context.show(team.item.name)
        used = {view.period: view.budget.consumed for view in team.budgets.all}
        self._limits.fill(team.item.limits, used)
        self._dialog.begin(str(team.item.id))

    async def _reopen(self, _: str) -> None:
        self.open()

    async def _save(self) -> str:
        if self._team is not None:
            item, limits = self._team.item, self._limits.read()
            await in_transaction(set_team_budget, self._viewer.actor, item.id, limits, utc_now(), version=item.version)
        self._dialog.close()
        await self._after()
        return ""


class AddPeople:
    """Searches accounts, and adds those that are chosen one by one."""

    def __init__(
        self, viewer: Viewer, title: str, about: str, add: Callable[[int], Awaitable[None]], home: Element
    ) -> None:
        """Draw the dialog closed; `add` gets the id of each chosen account, and raises PortalError to refuse it."""
        self._viewer = viewer
        self._add = add
        self._found: list[Candidate] = []
        self._present: set[int] = set()
        self._dialog = Dialog(title, home=home)
        with self._dialog.body:
            Text("p", about).classes("mp-muted")
            self._search = text_field(
                _("Search"), hint=_("Part of a user name, name or email address"), kind="search", autocomplete="off"
            )
            self._notice = Notice()
            self._table = data_table(
                "candidates", _CANDIDATES, test_id="candidates-table", label=_("Accounts"), becomes_cards=False
            )
            self._table.when_empty(
                "search", _("No accounts found"), _("Deleted and suspended accounts are not offered.")
            )
        with self._dialog.foot:
            button(_("Done"), self._dialog.close, kind="primary")
        set_props(self._search.control, autofocus=True, debounce=250)
        self._search.control.on_value_change(self._look)
        self._table.on("add", self._choose)

    async def open(self, present: Collection[int]) -> None:
        """Open it with the first accounts; those of the ids `present` are there already."""
        self._present = set(present)
        self._notice.clear()
        self._search.fill("")
        await self._look()
        self._dialog.open()

    async def _look(self) -> None:
        wanted = self._wanted
        found = await in_reading(load_candidates, self._viewer.actor, wanted)
        if wanted == self._wanted:  # nothing else was typed meanwhile
            self._found = found
            self._show()

    @property
    def _wanted(self) -> str:
        return self._search.text.strip()[:LONGEST_SEARCH]

    async def _choose(self, event: events.GenericEventArguments) -> None:
        chosen = next((each for each in self._found if each.id == event.args), None)
        if chosen is None:
            return
        try:
            await self._add(chosen.id)
        except NotSignedIn:
            raise
        except PortalError as error:
            self._notice.say(say(error.sentence), "crit")
            return
        self._present.add(chosen.id)
        self._notice.say(_("{name} has been added.", name=chosen.display_name))
        self._search.control.run_method("focus")  # the button of the row is gone
        await self._look()

    def _show(self) -> None:
        self._table.show_rows([self._row(each) for each in self._found])

    def _row(self, each: Candidate) -> dict[str, Any]:
        is_there = each.id in self._present
        place = _("In the team {team}", team=each.team) if each.team else _("In no team")
        return {
            "id": each.id,
            "name": each.display_name,
            "about": f"{each.username} · {place}",
            "there": _("Added") if is_there else "",
            "add": "" if is_there else _("Add"),
            "add_label": _("Add {name}", name=each.username),
        }
