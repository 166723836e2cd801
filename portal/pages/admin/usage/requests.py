"""The requests of the organisation: those behind a figure of Organisation Usage, with the same filter and sums."""

from datetime import datetime
from typing import Any

from starlette.requests import Request

from portal.pages.admin.usage.scope import ScopeList
from portal.pages.components import cells
from portal.pages.components.filters import FilterBar
from portal.pages.components.listing import SumStrip
from portal.pages.components.pruned import PrunedNote
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import sorted_column, table_listing
from portal.pages.navigation import ORGANISATION
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.organisation import REQUEST_LIST
from portal.views.metering.organisation_requests import RequestRow, RequestsView, load_requests
from portal.web.visitors import Administrator
from portal.words import _, context

router = PageRouter()

PATH = ORGANISATION.path + "/requests"
LISTING = table_listing(PATH, REQUEST_LIST, load_requests, "/admin/api/usage/requests/export")

_MODEL = cells.lines(
    cells.name("model"),
    cells.small(cells.name("others", flows=True), given="others"),
)
_TOTAL = cells.lines(
    cells.span(cells.text("billable"), "strong"), cells.small(cells.text("raw") + cells.text("raw_word"), given="raw")
)
_STATUS = cells.first_of(
    ("is_ok", cells.level("check", cells.text("status"))),
    otherwise=cells.badge(cells.name("status", flows=True), "crit"),
)
_COLUMNS = (
    sorted_column("at", message("Timestamp"), classes="r-at", cell=cells.text("time"), attributes=cells.exact("exact")),
    Column(
        "account",
        message("Account"),
        classes="r-account",
        cell=cells.lines(cells.name("account", flows=True), cells.small(cells.name("team", flows=True), given="team")),
    ),
    Column("model", message("Model / Template"), classes="r-model", cell=_MODEL),
    Column("gateway", message("Gateway"), classes="r-gateway", cell=cells.name("gateway")),
    Column("mode", message("Mode"), classes="r-mode", cell=cells.mode()),
    Column("prompt", message("Prompt"), classes="num r-prompt", cell=cells.known("prompt")),
    Column("completion", message("Completion"), classes="num r-completion", cell=cells.known("completion")),
    Column(
        "billable",
        message("Billable"),
        classes="num r-billable mp-weigh",
        attributes=cells.WEIGHT,
        cell=cells.first_of(("unknown", cells.span(cells.unknown())), otherwise=_TOTAL),
    ),
    Column("cost", message("Cost"), classes="num r-cost", attributes=cells.exact("exact_cost")),
    Column("status", message("Status"), classes="r-status", cell=_STATUS),
)


@router.page(PATH)
async def requests_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the requests of the organisation."""
    place, complaint = LISTING.read(request.query_params)
    with frame(_("Requests of the Organisation"), viewer, section=ORGANISATION) as head:
        await Requests(LISTING, viewer, place).open(head, complaint)


class Requests(ScopeList[RequestRow]):
    """The filters, the sums of all filtered requests, and their table."""

    card_id = "requests"
    name = "org-requests"
    test_id = "org-requests-table"
    label = message("Requests")
    rules = REQUEST_LIST
    columns = _COLUMNS
    none_yet = (message("No usage in this range"), message("Choose other days, or fewer filters."))

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the range and the conditions."""
        self.draw_span(bar)
        self.draw_scope(bar)

    def draw_above(self) -> None:
        """Draw the sums of all filtered requests, not only of this page."""
        with SumStrip("org-requests-totals") as self._sums:
            for name in (_("Requests"), _("Prompt"), _("Completion")):
                self._sums.add(name)
            self._sums.add(_("Total billable"), is_main=True)
            self._sums.add(_("Cost"))
        self._pruned = PrunedNote(self.formats)

    def counted(self, total: int) -> str:
        """Return the number of requests in words."""
        return self.formats.requests(total)

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows and sums."""
        found: RequestsView = view
        f, sums = self.formats, found.totals
        self._largest = max((row.billable_tokens for row in found.rows), default=0)
        counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.tokens)
        self._sums.show(*map(f.number, counts), f.cost(sums))
        self._pruned.show(found.pruned)
        super().show(view, now)

    def cells(self, row: RequestRow, now: datetime) -> dict[str, Any]:
        """Return the values of a request."""
        f = self.formats
        is_raw = row.billable_tokens == row.total_tokens
        return {
            "id": row.id,
            "time": f.moment(row.requested_at, now),
            "exact": f.exact(row.requested_at),
            "account": row.username,
            "team": row.team or "",
            "model": row.model,
            "others": " · ".join(filter(None, (row.provider_model, row.template))),
            "gateway": row.gateway,
            **cells.mode_values(row.mode),
            "unknown": _("unknown") if row.without_counts else "",
            "unknown_title": _("Tokens unknown") if row.without_counts else "",
            "prompt": f.number(row.prompt_tokens),
            "completion": f.number(row.completion_tokens),
            "billable": f.number(row.billable_tokens),
            "raw": "" if is_raw else f.number(row.total_tokens),
            "raw_word": "\u00a0" + context("tokens", "raw"),
            "weight": cells.weight(row.billable_tokens, self._largest),
            "cost": f.cost_of(row.cost_nano_eur),
            "exact_cost": "" if row.cost_nano_eur is None else f.exact_eur(row.cost_nano_eur),
            "is_ok": row.status == "ok",
            "status": row.status,
        }
