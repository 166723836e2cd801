"""The dialogs that change the chosen accounts: their budget, their team or expert template, and whether they work."""

import asyncio
from collections.abc import Callable, Collection

from nicegui.element import Element

from portal.actions.people.account_bulk import BulkRun, targets_with_ids
from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import InvalidInput
from portal.pages.components.bulk.chosen import ChosenRows
from portal.pages.components.inputs.dialogs import Confirmation, Dialog, FormDialog
from portal.pages.components.inputs.fields import Form
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.parts import Text, set_props, tag
from portal.pages.open_pages import recheck
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.people.account_bulk import BulkChange, BulkKind
from portal.rules.spending.budgets import BudgetType
from portal.views.people.account_choices import AccountChoices, load_account_choices
from portal.views.people.account_list import load_targets
from portal.words import _, plural, say
from portal.words.formats import Formats
from portal.words.labels import BUDGET_TYPES

DEFAULT_BUDGET = "default"
_ALL = "all"
_DIGITS = 19
"""Digits that no id has."""
NO_NAME = "-"
"""The choice of no team, and of no template; no name begins so, since a field needs a value for it."""

Choice = tuple[list[int] | None, int, ListFilter]
"""The ids of accounts, or None for all that match the filter, with their number."""


def budget_kinds() -> dict[str, str]:
    """Return the choices of a budget: the default one, or a type with own limits."""
    types = {each.value: say(words) for each, words in BUDGET_TYPES.items()}
    return {DEFAULT_BUDGET: _("Default of the role"), **types}


def named_choices(nothing: str, names: Collection[str]) -> dict[str, str]:
    """Return the choices of a name, or of `nothing`."""
    return {NO_NAME: nothing, **{name: name for name in names}}


class ChosenAccounts(ChosenRows):
    """Changes the accounts that were chosen when a dialog opened, and shows the result."""

    @property
    def words(self) -> str:
        """How many accounts were chosen."""
        return plural("{count} account", "{count} accounts", self.count)

    @property
    def subject(self) -> str:
        """The choice as a text, for the draft of a dialog."""
        return _ALL if self.ids is None else ",".join(map(str, self.ids))

    def choose_again(self, subject: str, wanted: ListFilter, total: int) -> Choice:
        """Return the arguments of `choose` for a stored choice; `total` accounts match the filter."""
        if subject == _ALL:
            return None, total, wanted
        ids = [int(each) for each in subject.split(",") if each.isascii() and each.isdecimal() and len(each) < _DIGITS]
        return ids, len(ids), wanted

    async def prepare(self, change: BulkChange) -> BulkRun:
        """Read the accounts and check the change. Raises PortalError; nothing is changed then."""
        actor = self.viewer.actor
        if self.ids is None:
            targets = await in_reading(load_targets, actor, self.wanted, utc_now())
        else:
            targets = await in_reading(targets_with_ids, actor, self.ids)
        return await asyncio.to_thread(BulkRun, actor, change, targets)

    async def run(self, run: BulkRun, title: str, finished: Callable[[int], str]) -> None:
        """Change the accounts; `finished` returns the result in words."""
        problems = set(await self._progress.run(title, run.outcomes(), run.progress.total, finished))
        await recheck()
        await self._after([each.id for each in run.targets if each.username in problems])


class BulkBudget:
    """Asks for the limits that each of the accounts gets."""

    def __init__(self, chosen: ChosenAccounts, formats: Formats, again: Callable[[str], Choice]) -> None:
        """Draw the dialog closed; `again` returns a choice that a draft was about."""
        self._chosen, self._again = chosen, again
        self._dialog = FormDialog("bulk-budget", _("Set budget"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _("Each account gets this budget in place of its own. Its allowances stay.")
            Text("p", about).classes("mp-muted")
            self._kind = form.choice("kind", _("Budget"), budget_kinds(), DEFAULT_BUDGET)
            with tag("div", "mp-form") as self._own:
                self._limits = LimitFields(form, formats)
            form.says()
        self._dialog.buttons(_("Set budget"))
        self._kind.control.on_value_change(self._show_limits)
        set_props(self._limits.first, autofocus=True)

    def open(self, ids: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Ask for the budget of these accounts."""
        self._chosen.choose(ids, count, wanted)
        self._dialog.context.show(self._chosen.words)
        self._kind.fill(BudgetType.SUBSCRIPTION.value)
        self._limits.clear()
        self._show_limits()
        self._dialog.begin(self._chosen.subject)

    def _show_limits(self) -> None:
        self._own.set_visibility(self._kind.text != DEFAULT_BUDGET)
        self._limits.only_total(self._kind.text == BudgetType.ONE_TIME)

    async def _reopen(self, subject: str) -> None:
        self.open(*self._again(subject))

    async def _save(self) -> str:
        limits = None
        if self._kind.text != DEFAULT_BUDGET:
            limits = self._limits.read(BudgetType(self._kind.text))
        run = await self._chosen.prepare(BulkChange(BulkKind.BUDGET, limits))
        self._dialog.close()
        await self._chosen.run(
            run,
            _("Setting budgets"),
            lambda done: plural("{count} account has this budget now.", "{count} accounts have this budget now.", done),
        )
        return ""


class BulkName:
    """Asks for the team or the expert template of the accounts."""

    def __init__(self, chosen: ChosenAccounts, kind: BulkKind) -> None:
        """Draw the dialog closed; `kind` is that of a team or of a template."""
        self._chosen, self._kind = chosen, kind
        title = _("Move to team") if kind is BulkKind.TEAM else _("Assign template")
        self._dialog = Dialog(title)
        with self._dialog.body, Form(self._save, name=title) as form:
            Text("p", self._about()).classes("mp-muted")
            label = _("Team") if kind is BulkKind.TEAM else _("Expert template")
            self._name = form.choice("name", label, {}, None, searchable=True)
            form.says()
        with self._dialog.foot:
            self._dialog.cancel()
            set_props(form.submit(title), form=form.element.html_id)
        form.element.classes("mp-form")
        self._form = form
        set_props(self._name.control, autofocus=True)

    async def open(self, ids: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Ask for the name for these accounts."""
        choices = await in_reading(load_account_choices, self._chosen.viewer.actor)
        self._chosen.choose(ids, count, wanted)
        self._dialog.context.show(self._chosen.words)
        self._name.control.set_options(self._options(choices), value=None)
        self._form.forget()
        self._dialog.open()

    def _about(self) -> str:
        if self._kind is BulkKind.TEAM:
            return _("What they use from now on counts for this team; what they have used stays where it is.")
        return _("Gateways use this template for their next requests.")

    def _options(self, choices: AccountChoices) -> dict[str, str]:
        if self._kind is BulkKind.TEAM:
            return named_choices(_("No team"), choices.teams)
        return named_choices(_("No template"), choices.templates)

    async def _save(self) -> str:
        if not self._name.text:
            raise InvalidInput(message("Choose one of the list."), "name")
        name = "" if self._name.text == NO_NAME else self._name.text
        run = await self._chosen.prepare(BulkChange(self._kind, name=name))
        self._dialog.close()
        title = _("Moving accounts") if self._kind is BulkKind.TEAM else _("Assigning the template")
        await self._chosen.run(run, title, lambda done: self._finished(name, done))
        return ""

    def _finished(self, name: str, done: int) -> str:
        if self._kind is BulkKind.TEAM and name:
            return plural(
                "{count} account is in the team {name} now.",
                "{count} accounts are in the team {name} now.",
                done,
                name=name,
            )
        if self._kind is BulkKind.TEAM:
            return plural("{count} account is in no team now.", "{count} accounts are in no team now.", done)
        if name:
            return plural(
                "{count} account has the template {name} now.",
                "{count} accounts have the template {name} now.",
                done,
                name=name,
            )
        return plural("{count} account has no template now.", "{count} accounts have no template now.", done)


class BulkSuspend:
    """Asks before accounts are suspended; activates others without a question."""

    def __init__(self, chosen: ChosenAccounts, home: Element) -> None:
        """Draw the dialog closed; `home` gets the focus afterwards."""
        self._chosen = chosen
        self._dialog = Confirmation(_("Cancel"), _("Suspend"), home=home)

    def open(self, ids: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Ask whether these accounts are to be suspended."""
        self._chosen.choose(ids, count, wanted)
        self._dialog.ask(
            plural("Suspend {count} account?", "Suspend {count} accounts?", count),
            _("All their sessions end at once, and gateways refuse their API keys. Figures stay. You can undo this."),
            self._suspend,
        )

    async def activate(self, ids: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Activate these accounts."""
        self._chosen.choose(ids, count, wanted)
        await self._run(
            BulkKind.ACTIVATE,
            _("Activating"),
            lambda done: plural("{count} account is active now.", "{count} accounts are active now.", done),
        )

    async def _suspend(self) -> None:
        await self._run(
            BulkKind.SUSPEND,
            _("Suspending"),
            lambda done: plural("{count} account is suspended now.", "{count} accounts are suspended now.", done),
        )

    async def _run(self, kind: BulkKind, title: str, finished: Callable[[int], str]) -> None:
        run = await self._chosen.prepare(BulkChange(kind))
        self._dialog.close()
        await self._chosen.run(run, title, finished)
