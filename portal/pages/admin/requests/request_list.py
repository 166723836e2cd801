"""Budget Requests: who waits for more tokens, and what became of earlier requests."""

from datetime import datetime
from typing import Any

from nicegui import events
from starlette.requests import Request

from portal.pages.admin.requests.deciding import DecideRequest
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import icon_name
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import TableList, sorted_column, table_listing
from portal.pages.navigation import REQUESTS
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.periods import Period
from portal.rules.spending.allowances import last_day
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.request_list import DECIDED, EVERY_STATE, REQUEST_LIST
from portal.views.spending.budget_requests import BudgetRequestView
from portal.views.spending.request_list import load_request_list
from portal.web.visitors import Administrator
from portal.words import _, plural, say
from portal.words.labels import BUDGETS, REQUEST_STATES

router = PageRouter()

LISTING = table_listing(REQUESTS.path, REQUEST_LIST, load_request_list, "/admin/api/budget-requests/export")

_ICONS = {RequestState.OPEN: "clock", RequestState.APPROVED: "check"}

_NONE = cells.not_on_phone(cells.NOTHING)
_ANSWER = cells.lines(
    cells.span(cells.text("granted"), given="granted"),
    cells.span(cells.text("answer"), given="answer"),
    cells.small(cells.text("decided")),
)
_COLUMNS = (
    sorted_column("asked", message("Asked"), classes="br-asked", attributes=cells.exact("asked_exact")),
    sorted_column(
        "person",
        message("Person"),
        classes="br-person",
        cell=cells.lines(cells.name("person", flows=True), cells.small(cells.name("username", flows=True))),
    ),
    sorted_column(
        "team",
        message("Team"),
        classes="br-team",
        cell=cells.first_of(("team", cells.name("team", flows=True)), otherwise=_NONE),
    ),
    Column("budget", message("Budget"), classes="br-budget"),
    sorted_column("tokens", message("Tokens"), classes="num br-tokens"),
    Column("reason", message("Reason"), classes="br-reason", cell=cells.name("reason", flows=True)),
    sorted_column("state", message("State"), classes="br-state", cell=cells.status("granted")),
    sorted_column(
        "decided",
        message("Answer"),
        classes="br-answer",
        cell=cells.first_of(("decided", _ANSWER), otherwise=_NONE),
        attributes=cells.exact("decided_exact"),
    ),
    Column("decide", message("Actions"), classes="br-act num", hidden_label=True, cell=cells.action("decide")),
)


@router.page(REQUESTS.path)
async def requests_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the requests of all people."""
    place, complaint = LISTING.read(request.query_params)
    with frame(REQUESTS, viewer) as head:
        await RequestList(LISTING, viewer, place).open(head, complaint)


class RequestList(TableList[BudgetRequestView]):
    """The filters, the table of the requests, and the dialog that decides one."""

    name = "requests"
    test_id = "requests-table"
    label = message("Budget Requests")
    rules = REQUEST_LIST
    columns = _COLUMNS
    none_yet = (
        message("No request waits"),
        message("People ask for more tokens on the cards of their dashboard. They wait here for an answer."),
    )

    def draw(self) -> None:
        """Draw the list and the dialog."""
        done = Notice()
        super().draw()
        self._deciding = DecideRequest(self.viewer, self.formats, done, self.refresh)
        self.table.on("decide", self._decide)

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the choices of state and budget, and the field for a team."""
        states = {state.value: say(words) for state, words in REQUEST_STATES.items() if state is not RequestState.OPEN}
        few = {"": _("Open"), DECIDED: _("Decided"), EVERY_STATE: _("All")}
        bar.choice("state", _("State"), few | states, names=False)
        budgets = {period.value: say(words) for period, words in BUDGETS.items()}
        bar.choice("period", _("Budget"), {"": _("All")} | budgets, names=False)
        bar.search("team", _("Team"), _("Name of the team"))

    def counted(self, total: int) -> str:
        """Return the number of requests in words."""
        return plural("{count} budget request", "{count} budget requests", total)

    def cells(self, row: BudgetRequestView, now: datetime) -> dict[str, Any]:
        """Return the values of a request."""
        f = self.formats
        is_open = row.state is RequestState.OPEN
        return {
            "id": row.id,
            "asked": f.moment(row.created_at, now),
            "asked_exact": f.exact(row.created_at),
            "person": row.display_name,
            "username": row.username,
            "team": row.team or "",
            "budget": say(BUDGETS[Period(row.period)]),
            "tokens": f.number(row.tokens),
            "reason": row.reason,
            "status": say(REQUEST_STATES[row.state]),
            "icon": icon_name(_ICONS.get(row.state, "ban")),
            "off": row.state in (RequestState.DECLINED, RequestState.WITHDRAWN),
            "granted": self._granted(row),
            "answer": row.answer,
            "decided": self._decided(row, now),
            "decided_exact": f.exact(row.decided_at),
            "decide": _("Decide") if is_open else "",
            "decide_label": _("Decide the request of {name}", name=row.display_name),
        }

    def _granted(self, row: BudgetRequestView) -> str:
        if row.granted_tokens is None or row.granted_until is None:
            return ""
        day = self.formats.day(last_day(row.granted_until, self.formats.budget_zone))
        return _("{tokens} until {day}", tokens=row.granted_tokens, day=day)

    def _decided(self, row: BudgetRequestView, now: datetime) -> str:
        if row.decided_at is None:
            return ""
        when = self.formats.moment(row.decided_at, now)
        if row.state is RequestState.WITHDRAWN:
            return when
        return " · ".join((row.decided_by or _("an operator"), when))

    async def _decide(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, int):
            await self._deciding.open(event.args)
