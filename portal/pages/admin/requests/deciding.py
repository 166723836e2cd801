"""The dialog that decides a request for more tokens."""

from collections.abc import Awaitable, Callable

from portal.actions.fields import clean_field
from portal.actions.spending.budget_requests import approve_request, decline_request
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Conflict, InvalidInput
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import LevelMark, Text, button, set_props, tag
from portal.rules.messages import InvalidValue, message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.periods import end_of_day
from portal.rules.spending.allowances import MAX_REASON, last_day
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import PeriodBudget
from portal.views.people.accounts import Viewer
from portal.views.spending.request_list import RequestToDecide, load_request_to_decide
from portal.words import _, say
from portal.words.formats import Formats, zone_name
from portal.words.labels import BUDGETS
from portal.words.numbers import read_tokens


class DecideRequest:
    """Shows a request with the budgets of its person and team; approves it, with other tokens or end, or declines."""

    def __init__(self, viewer: Viewer, formats: Formats, done: Notice, changed: Callable[[], Awaitable[None]]) -> None:
        """Draw the dialog closed; `done` says what was decided, `changed` loads the requests again."""
        self._viewer = viewer
        self._formats = formats
        self._done = done
        self._changed = changed
        self._shown: RequestToDecide | None = None
        self._dialog = FormDialog("decide-request", _("Decide a request"), self._approve, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            self._reason = Text("blockquote").classes("mp-quote")
            self._budgets = tag("dl", "mp-decide")
            with tag("div", "mp-pair"):
                self._tokens = form.text("tokens", _("Extra billable tokens"), inputmode="numeric", autocomplete="off")
                self._until = form.text("ends_at", _("Last day"), kind="date")
            hint = _("The person reads it. Declining needs one.")
            self._answer = form.text("answer", _("Answer"), hint=hint, lines=2, maxlength=2 * MAX_REASON)
            form.says()
        with self._dialog.foot:
            button(_("Decline"), lambda: form.run(self._decline), kind="danger")
            self._dialog.cancel()
            form.submit(_("Approve"))
        set_props(self._tokens.control, autofocus=True)
        self._tokens.control.on_value_change(self._explain)

    async def open(self, request_id: int) -> None:
        """Show a request. Raises Conflict if it does not wait any more."""
        shown = await in_reading(load_request_to_decide, self._viewer.actor, request_id, utc_now())
        if self._dialog.window.is_deleted:
            return
        if shown.request.state is not RequestState.OPEN:
            await self._changed()
            raise Conflict(message("This request does not wait any more."))
        self._show(shown)
        self._dialog.begin(str(request_id))

    async def _reopen(self, request_id: str) -> None:
        if request_id.isascii() and request_id.isdigit() and len(request_id) < 19:
            await self.open(int(request_id))

    def _show(self, shown: RequestToDecide) -> None:
        f, request = self._formats, shown.request
        self._shown = shown
        what = (request.display_name, say(BUDGETS[request.period]), f.moment(request.created_at, utc_now()))
        self._dialog.context.show(" · ".join(what), title=f.exact(request.created_at))
        self._reason.show(request.reason)
        self._budgets.clear()
        with self._budgets:
            of_person = _("{budget} of {name}", budget=BUDGETS[request.period], name=request.display_name)
            budget_row(of_person, shown.budget.budget, f)
            if shown.team is not None:
                of_team = _("{budget} of the team {name}", budget=BUDGETS[request.period], name=shown.team.name)
                budget_row(of_team, shown.team.budget, f)
        self._tokens.fill(f.number(request.tokens))
        self._until.fill(last_day(shown.usual_end, f.budget_zone).isoformat())
        self._until.hint(_("Until midnight, {zone}.", zone=zone_name(f.budget_zone)))
        self._answer.fill("")
        self._explain()

    def _explain(self) -> None:
        """Write the raised limit below the tokens."""
        limit = None if self._shown is None else self._shown.budget.budget.limit
        try:
            tokens = read_tokens(self._tokens.text, self._formats.locale.language)
        except InvalidValue:
            self._tokens.hint("")
            return
        self._tokens.hint("" if limit is None else _("The limit becomes {limit}.", limit=limit + tokens))

    async def _approve(self) -> str:
        shown, f = self._shown, self._formats
        if shown is None:
            return ""
        tokens = clean_field("tokens", read_tokens, self._tokens.text, f.locale.language)
        try:
            end = end_of_day(parse_day(self._until.text, "ends_at"), f.budget_zone)
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "ends_at") from error
        await in_transaction(
            approve_request,
            self._viewer.actor,
            shown.request.id,
            utc_now(),
            tokens=tokens,
            ends_at=end,
            answer=self._answer.text,
        )
        name = shown.request.display_name
        await self._close(_("{name} gets {tokens} more tokens.", name=name, tokens=tokens))
        return ""

    async def _decline(self) -> str:
        shown = self._shown
        if shown is not None:
            actor, answer = self._viewer.actor, self._answer.text
            await in_transaction(decline_request, actor, shown.request.id, answer, utc_now())
            await self._close(_("The request of {name} was declined.", name=shown.request.display_name))
        return ""

    async def _close(self, sentence: str) -> None:
        if not self._dialog.window.is_deleted:
            self._dialog.close()
            self._done.say(sentence)
        await refresh_all(self._viewer.id)


def budget_row(name: str, budget: PeriodBudget, formats: Formats) -> None:
    """Draw a budget as one line: its name, its usage and its level."""
    with tag("div"):
        Text("dt", name)
        with tag("dd"):
            limit, percent = formats.limit(budget.limit), formats.percent(budget.percent)
            of = _("{consumed} of {limit}", consumed=budget.consumed, limit=limit)
            Text("span", of if budget.percent is None else f"{of} ({percent})")
            LevelMark().show(budget)
