"""Asking for more tokens: the dialog, and the foot of a budget card with the request and its answer."""

from collections.abc import Mapping
from datetime import datetime

from portal.actions.fields import clean_field
from portal.actions.spending.budget_requests import ask_for_more, withdraw_request
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import InvalidInput
from portal.pages.account.budget_cards import BudgetCard
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, set_props, tag
from portal.rules.messages import message
from portal.rules.periods import Period
from portal.rules.spending.allowances import MAX_REASON
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import PeriodBudget
from portal.views.people.accounts import Viewer
from portal.views.spending.budget import BudgetsView
from portal.views.spending.budget_requests import BudgetRequestView
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import BUDGETS
from portal.words.numbers import read_tokens

RequestByPeriod = Mapping[Period, BudgetRequestView]


class Requests:
    """The feet of the budget cards, and the dialog that they open."""

    def __init__(self, viewer: Viewer, formats: Formats, cards: Mapping[Period, BudgetCard]) -> None:
        """Draw them in the cards."""
        self._dialog = AskForMore(viewer, formats)
        self._lines: dict[Period, RequestLine] = {}
        for period, card in cards.items():
            with card.foot:
                self._lines[period] = RequestLine(viewer, period, formats, self._dialog)

    def show(self, budgets: BudgetsView, requests: RequestByPeriod, now: datetime) -> None:
        """Show newer states."""
        self._dialog.offer(budgets, requests)
        for view in budgets.all:
            self._lines[view.period].show(view.budget, requests.get(view.period), now)


class AskForMore:
    """Asks for an amount, a budget and a reason; offers the budgets with a limit and without an open request."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the dialog closed."""
        self._viewer = viewer
        self._formats = formats
        self._budgets: Mapping[Period, PeriodBudget] = {}
        self._dialog = FormDialog("ask-for-more", _("Ask for more tokens"), self._ask, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            with tag("div", "mp-pair"):
                self._tokens = form.text(
                    "tokens", _("Extra billable tokens"), inputmode="numeric", autocomplete="off", autofocus=True
                )
                self._period = form.choice("period", _("Budget"), {p.value: say(BUDGETS[p]) for p in Period}, None)
            hint = _("Whoever decides reads this.")
            self._reason = form.text("reason", _("Reason"), hint=hint, lines=3, maxlength=2 * MAX_REASON)
            form.says()
        self._dialog.buttons(_("Send request"))
        self._dialog.context.show(_("You get the answer in the bell and by mail."))
        self._period.control.on_value_change(self._explain)

    def offer(self, budgets: BudgetsView, requests: RequestByPeriod) -> None:
        """Note the present budgets, and which of them have an open request."""
        limited = {view.period: view.budget for view in budgets.all if view.budget.limit is not None}
        self._budgets = {period: budget for period, budget in limited.items() if not _is_open(requests.get(period))}

    def open(self, period: Period) -> None:
        """Ask for more of one budget, which the person may change."""
        self._tokens.fill("")
        self._reason.fill("")
        options = {p.value: say(BUDGETS[p]) for p in self._budgets}
        self._period.control.set_options(options, value=period.value if period in self._budgets else None)
        self._explain()
        self._dialog.begin(period.value)

    async def _reopen(self, period: str) -> None:
        if period in self._budgets:
            self.open(Period(period))

    def _explain(self) -> None:
        """Write the present limit below the budget."""
        chosen = self._period.text
        budget = self._budgets.get(Period(chosen)) if chosen in self._budgets else None
        limit = self._formats.limit(budget.limit) if budget else ""
        self._period.hint(_("The limit is {limit} now.", limit=limit) if limit else "")

    async def _ask(self) -> str:
        language = self._formats.locale.language
        tokens = clean_field("tokens", read_tokens, self._tokens.text, language)
        if self._period.text not in self._budgets:
            raise InvalidInput(message("Choose a budget."), "period")
        period, reason = Period(self._period.text), self._reason.text
        await in_transaction(ask_for_more, self._viewer.actor, period, tokens, reason, utc_now())
        self._dialog.close()
        await refresh_all(self._viewer.id)
        return ""


class RequestLine:
    """The foot of a budget card: the request that waits or its answer, and the buttons to ask and to withdraw."""

    def __init__(self, viewer: Viewer, period: Period, formats: Formats, dialog: AskForMore) -> None:
        """Draw it empty; `dialog` opens for this budget."""
        self._viewer = viewer
        self._formats = formats
        self._request: BudgetRequestView | None = None
        with tag("div", "mp-ask", data_testid="request") as self._box:
            with tag("div", "mp-ask__texts") as self._texts:
                self._state = Text("p", "")
                self._answer = Text("p", "").classes("mp-ask__answer")
            name = say(BUDGETS[period])
            self._ask = button(_("Ask for more"), lambda: dialog.open(period), kind="ghost", icon="plus")
            self._ask.classes("mp-btn--small")
            set_props(self._ask, aria_label=_("Ask for more: {budget}", budget=name))
            self._withdraw = button(_("Withdraw"), self._take_back, kind="ghost").classes("mp-btn--small")
            set_props(self._withdraw, aria_label=_("Withdraw the request: {budget}", budget=name))
        self._box.set_visibility(False)

    def show(self, budget: PeriodBudget, request: BudgetRequestView | None, now: datetime) -> None:
        """Show a newer state. Nobody can ask for more of a budget without a limit, nor for somebody else."""
        self._request = request
        is_open, may_change = _is_open(request), self._viewer.acting is None
        may_ask = may_change and not is_open and budget.limit is not None
        self._box.set_visibility(may_ask or request is not None)
        self._ask.set_visibility(may_ask)
        self._withdraw.set_visibility(is_open and may_change)
        self._texts.set_visibility(request is not None)
        self._state.show(_sentence(request) if request else "")
        moment = self._formats.moment(request.at, now) if request else ""
        answer = _("waiting for the answer") if is_open else request.answer if request else ""
        exact = self._formats.exact(request.at) if request else ""
        self._answer.show(" · ".join(filter(None, (moment, answer))), title=exact)

    async def _take_back(self) -> None:
        if self._request is not None:
            await in_transaction(withdraw_request, self._viewer.actor, self._request.id, utc_now())
            await refresh_all(self._viewer.id)


def _sentence(request: BudgetRequestView) -> str:
    match request.state:
        case RequestState.OPEN:
            return _("Asked for {tokens} more", tokens=request.tokens)
        case RequestState.APPROVED:
            return _("{tokens} more approved", tokens=request.granted_tokens or request.tokens)
        case _:
            return _("{tokens} more declined", tokens=request.tokens)


def _is_open(request: BudgetRequestView | None) -> bool:
    return request is not None and request.state is RequestState.OPEN
