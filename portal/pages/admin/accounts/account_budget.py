"""The budget of an account: its cards, its allowances, and the dialogs that change them."""

from dataclasses import replace
from datetime import datetime

from nicegui import events

from portal.actions.fields import clean_field
from portal.actions.spending.allowances import end_allowance, grant_allowance
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Conflict, InvalidInput
from portal.pages.account.budget_cards import BudgetCard
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon_name, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.periods import Period, end_of_day
from portal.rules.spending.allowances import AllowanceState, NewAllowance, last_day, usual_end
from portal.rules.spending.budgets import BudgetType, Limits
from portal.settings import settings
from portal.views.people.account import AccountPageView, load_account_page
from portal.views.people.accounts import Viewer
from portal.views.spending.allowances import AllowanceView
from portal.words import _, plural, say
from portal.words.formats import Formats, zone_name
from portal.words.labels import BUDGET_TYPES, BUDGETS
from portal.words.numbers import read_limit

_STATES = {
    AllowanceState.IN_FORCE: (message("In force"), "check"),
    AllowanceState.UPCOMING: (message("Upcoming"), "clock"),
    AllowanceState.ENDED: (message("Ended"), "ban"),
}
_COLUMNS = (
    Column("budget", message("Budget"), classes="al-budget"),
    Column("tokens", message("Extra tokens"), classes="num al-tokens"),
    Column("reason", message("Reason"), classes="al-reason", cell=cells.name("reason", flows=True)),
    Column("by", message("Granted by"), classes="al-by", cell=cells.name("by", flows=True)),
    Column("until", message("Last day"), classes="al-until", attributes=cells.exact("until_exact")),
    Column("status", message("Status"), classes="al-status", cell=cells.status()),
    Column(
        "actions", message("Actions"), classes="al-act num", hidden_label=True, cell=cells.action("end", danger=True)
    ),
)


class AccountBudget:
    """The cards of the three budgets, and the table of allowances."""

    def __init__(self, viewer: Viewer, first: AccountPageView, formats: Formats, done: Notice, usage: str) -> None:
        """Draw them with room for their figures; `usage` is the address of the list of requests."""
        self._formats = formats
        with tag("section", "mp-part", aria_label=_("Budget"), data_testid="account-budget"):
            with tag("div", "mp-part__head"):
                with tag("div"):
                    Text("h2", _("Budget"))
                    self._type = Text("p", "").classes("mp-card__sub")
                opener = button(_("Set budget"), icon="pencil")
            with tag("div", "mp-cards"):
                self._cards = {period: BudgetCard(period, formats, usage=usage) for period in Period}
            self._allowances = Allowances(viewer, first.account.id, formats, done)
        setting = SetBudget(viewer, first.account.id, formats, done)
        opener.on_click(setting.open)

    def show(self, view: AccountPageView, now: datetime) -> None:
        """Show newer figures."""
        zone = zone_name(self._formats.budget_zone)
        kind = say(BUDGET_TYPES[view.limits.type])
        self._type.show(_("{type}. Days and months end at midnight, {zone}.", type=kind, zone=zone))
        for budget in view.budgets.all:
            self._cards[budget.period].show(budget, now)
        self._allowances.show(view)


class Allowances:
    """The allowances of an account, with buttons that add one and end one."""

    def __init__(self, viewer: Viewer, account_id: int, formats: Formats, done: Notice) -> None:
        """Draw the card with an empty table."""
        self._viewer, self._formats, self._done = viewer, formats, done
        self._rows: dict[object, AllowanceView] = {}
        with tag("section", "mp-card", aria_label=_("Allowances")):
            with tag("div", "mp-card__head mp-card__head--table"):
                with tag("div"):
                    Text("h3", _("Allowances"))
                    Text("p", _("Extra tokens that are added to a limit for a time")).classes("mp-card__sub")
                opener = button(_("Add allowance"), icon="plus")
            self._table = data_table("allowances", _COLUMNS, test_id="allowances-table", label=_("Allowances"))
            about = _("An allowance adds tokens to one budget until a day that you choose.")
            self._table.when_empty("plus", _("No allowances"), about)
        self._granting = GrantAllowance(viewer, account_id, formats, done)
        self._ending = Confirmation(_("Keep allowance"), _("End allowance"), home=opener)
        opener.on_click(self._granting.open)
        self._table.on("end", self._ask)

    def show(self, view: AccountPageView) -> None:
        """Show newer allowances."""
        self._rows = {row.id: row for row in view.allowances}
        self._table.show_rows([self._row(row) for row in view.allowances])

    def _row(self, row: AllowanceView) -> dict[str, object]:
        f, (word, picture) = self._formats, _STATES[row.state]
        runs = row.state is not AllowanceState.ENDED
        end = row.ended_at or row.ends_at
        return {
            "id": row.id,
            "budget": say(BUDGETS[row.period]),
            "tokens": f"+{f.number(row.tokens)}",
            "reason": row.reason,
            "by": row.granted_by or _("operator"),
            "until": f.day(last_day(end, f.budget_zone)),
            "until_exact": f.exact(end),
            "status": say(word),
            "icon": icon_name(picture),
            "off": not runs,
            "end": _("End") if runs else "",
            "end_label": _("End the allowance of {tokens} tokens", tokens=row.tokens),
        }

    def _ask(self, event: events.GenericEventArguments) -> None:
        row = self._rows.get(event.args) if isinstance(event.args, int) else None
        if row is None:
            return

        async def end() -> None:
            await in_transaction(end_allowance, self._viewer.actor, row.id, utc_now(), account_id=row.account_id)
            self._done.say(_("The allowance has ended."))
            await _refresh(self._viewer, row.account_id)

        question = plural(
            "The limit is lower by {count} token at once. Requests may be refused then.",
            "The limit is lower by {count} tokens at once. Requests may be refused then.",
            row.tokens,
        )
        self._ending.ask(_("End this allowance?"), question, end)


class SetBudget:
    """Sets the limits and the type of a budget; nothing is overwritten that somebody else has set meanwhile."""

    def __init__(self, viewer: Viewer, account_id: int, formats: Formats, done: Notice) -> None:
        """Draw the dialog closed."""
        self._viewer, self._account_id, self._formats, self._done = viewer, account_id, formats, done
        self._seen = Limits()
        self._dialog = FormDialog("account-budget", _("Set budget"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            Text("p", _("Billable tokens; an empty field means no limit.")).classes("mp-muted")
            self._limits = LimitFields(form, formats)
            kinds = {kind.value: say(words) for kind, words in BUDGET_TYPES.items()}
            hint = _("One-time: only the total budget counts, and nothing resets.")
            self._type = form.choice("type", _("Type"), kinds, BudgetType.SUBSCRIPTION.value, hint=hint)
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._limits.first, autofocus=True)

    async def open(self) -> None:
        """Open it with the limits of now."""
        view = await self._load()
        self._dialog.context.show(view.account.username)
        self._show(view.limits)
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        await self.open()

    async def _load(self) -> AccountPageView:
        return await in_reading(load_account_page, self._viewer.actor, self._account_id, utc_now())

    def _show(self, limits: Limits) -> None:
        self._seen = limits
        self._limits.fill(limits)
        self._type.fill(limits.type.value)

    async def _save(self) -> str:
        limits = replace(self._limits.read(), type=BudgetType(self._type.text))
        try:
            actor, account_id = self._viewer.actor, self._account_id
            await in_transaction(set_budget, actor, account_id, limits, utc_now(), seen=self._seen)
        except Conflict as conflict:
            await self._merge(conflict)
        self._dialog.close()
        self._done.say(_("Budget saved."))
        await _refresh(self._viewer, self._account_id)
        return ""

    async def _merge(self, conflict: Conflict) -> None:
        """Show the limits that somebody else has set meanwhile; the typed ones stay, and may be saved then.

        Raises the conflict again if nobody has.
        """
        newer = (await self._load()).limits
        if newer == self._seen:
            raise conflict
        self._seen = newer
        texts = [f"{say(name)} {self._formats.limit(newer.set_for(period))}" for period, name in BUDGETS.items()]
        raise Conflict(
            message(
                "Somebody else has changed this budget meanwhile: {limits}. What you typed is still here. "
                "Save again to replace it.",
                limits=", ".join([*texts, say(BUDGET_TYPES[newer.type])]),
            )
        ) from conflict


class GrantAllowance:
    """Adds tokens to one budget until the end of a day."""

    def __init__(self, viewer: Viewer, account_id: int, formats: Formats, done: Notice) -> None:
        """Draw the dialog closed."""
        self._viewer, self._account_id, self._formats, self._done = viewer, account_id, formats, done
        self._dialog = FormDialog("allowance", _("Add allowance"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            with tag("div", "mp-pair"):
                self._tokens = form.text("tokens", _("Extra tokens"), inputmode="numeric", autocomplete="off")
                budgets = {period.value: say(name) for period, name in BUDGETS.items()}
                self._period = form.choice("period", _("Budget"), budgets, Period.MONTHLY.value)
            zone = zone_name(formats.budget_zone)
            self._end = form.text("ends_at", _("Last day"), kind="date", hint=_("Until midnight, {zone}.", zone=zone))
            self._reason = form.text("reason", _("Reason"), hint=_("The person and the audit log see it."))
            form.says()
        self._dialog.buttons(_("Add allowance"))
        set_props(self._tokens.control, autofocus=True)
        self._period.control.on_value_change(self._propose_end)

    def open(self) -> None:
        """Open it with empty fields, for the present month."""
        self._tokens.fill("")
        self._reason.fill("")
        self._period.fill(Period.MONTHLY.value)
        self._propose_end()
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    def _propose_end(self) -> None:
        tz = settings().budget_zone
        self._end.fill(last_day(usual_end(Period(self._period.text), utc_now(), tz), tz).isoformat())

    async def _save(self) -> str:
        language = self._formats.locale.language
        tokens = clean_field("tokens", read_limit, self._tokens.text, language)
        new = NewAllowance(Period(self._period.text), tokens or 0, self._reason.text, self._ends_at())
        await in_transaction(grant_allowance, self._viewer.actor, self._account_id, new, utc_now())
        self._dialog.close()
        self._done.say(_("The allowance counts from now on."))
        await _refresh(self._viewer, self._account_id)
        return ""

    def _ends_at(self) -> datetime:
        """Return the end of the chosen day. Raises InvalidInput."""
        if not self._end.text:
            raise InvalidInput(message("Choose the last day of the allowance."), "ends_at")
        try:
            return end_of_day(parse_day(self._end.text, "ends_at"), settings().budget_zone)
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "ends_at") from error


async def _refresh(viewer: Viewer, account_id: int) -> None:
    """Show a change on the open pages of the administrator, and of the person."""
    await refresh_all(viewer.id)
    await refresh_all(account_id)
