"""Usage History: the list of an account's requests. The database filters, sorts and pages it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from starlette.requests import Request

from portal.clock import utc_now
from portal.pages.account.usage.empty import EmptyUsage
from portal.pages.account.usage.filters import UsageFilters
from portal.pages.account.usage.note_dialog import NoteDialog
from portal.pages.account.usage.table import UsageTable, next_order
from portal.pages.addresses import BILLABLE
from portal.pages.components.listing import Listing, ListPage, Pager, SumStrip
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, set_props, tag
from portal.pages.components.pruned import PrunedNote
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import USAGE
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.metering.figures import Figures
from portal.rules.metering.usage import Counts, Order, UsageFilter, parse_filter
from portal.views.metering.usage import UsageView, is_cursor, load_usage
from portal.web.visitors import SignedIn
from portal.words import _, plural, say
from portal.words.formats import Formats

router = PageRouter()

LISTING = Listing(
    path=USAGE.path,
    plain=UsageFilter(),
    instead=message("These are the last 7 days instead."),
    parse=parse_filter,
    is_cursor=lambda cursor, wanted: is_cursor(cursor, wanted.order),
    load=load_usage,
    export="/user/api/usage/export",
)
_WAITING_ROWS = 8
_NEWER, _OLDER = message("Newer"), message("Older")
_STEPS = {
    Order.NEWEST: (_NEWER, _OLDER),
    Order.OLDEST: (_OLDER, _NEWER),
    Order.LARGEST: (message("Larger"), message("Smaller")),
}


@router.page(USAGE.path)
async def usage_page(request: Request, viewer: SignedIn) -> None:
    """Show the signed-in account its own requests."""
    place, complaint = LISTING.read(request.query_params)
    with frame(USAGE, viewer) as head:
        await History(LISTING, viewer, place).open(head, complaint)


class History(ListPage[UsageFilter, UsageView]):
    """The filters, the card with the requests, and the dialog for notes."""

    def draw(self) -> None:
        """Draw the filters and the card with room for the rows."""
        formats = Formats.of(self.viewer)
        self._filters = UsageFilters(formats, self.filter)
        self._card = UsageCard(
            formats,
            change=self.filter,
            turn=self.turn,
            resize=self.resize,
            edit=self._edit_note,
        )
        self._notes = NoteDialog(self.viewer, formats, lambda: refresh_all(self.viewer.id))

    def show_place(self) -> None:
        """Show the filter of the place."""
        self._filters.show(self.place.wanted, utc_now())

    def show(self, view: UsageView, now: datetime) -> None:
        """Show newer requests."""
        self._filters.show_view(view.modes, now)
        self._card.show(view, self.place.wanted, self.place.limit, now)

    def wait(self) -> None:
        """Show that other requests are being loaded."""
        self._card.wait()

    async def _edit_note(self, usage_id: object) -> None:
        await self._notes.open(usage_id)


class UsageCard:
    """Sums, table and pager; their controls ask for another filter, page or page size."""

    def __init__(
        self,
        formats: Formats,
        *,
        change: Callable[[UsageFilter], Awaitable[None]],
        turn: Callable[[str | None], Awaitable[None]],
        resize: Callable[[int], Awaitable[None]],
        edit: Callable[[object], Awaitable[None]] | None,
    ) -> None:
        """Draw the card with skeletons in place of rows and figures; without `edit` there are no notes."""
        self._formats = formats
        self._change = change
        self._wanted = UsageFilter()
        with tag("section", "mp-card", id="requests", aria_label=_("Requests")) as self._card:
            Text("h2", _("Requests")).classes("mp-sr")
            self._sums = UsageTotals(formats, self._only_without_counts)
            self._table = UsageTable(formats, self._sort, edit)
            self._empty = EmptyUsage(formats, change, turn, is_own=edit is not None)
            legend = _("Share of the largest total on this page")
            self._pager = Pager(formats, turn, resize, test_id="usage-pager", legend=legend)
        self._table.element.wait(_WAITING_ROWS)

    def wait(self) -> None:
        """Show that other rows are being loaded; the present rows stay until then."""
        set_props(self._card, aria_busy="true")

    def show(self, view: UsageView, wanted: UsageFilter, limit: int, now: datetime) -> None:
        """Show newer rows and figures."""
        self._wanted = wanted
        set_props(self._card, aria_busy="false")
        self._sums.show(view.totals, view.pruned)
        self._table.element.set_visibility(bool(view.rows))
        self._table.show(view.rows, wanted.order, now)
        self._empty.show(view, wanted, now)
        back, on = _STEPS[wanted.order]
        self._pager.show(
            view.before + 1,
            len(view.rows),
            self._formats.requests(view.totals.requests),
            limit,
            neighbours=(view.newer, view.older),
            steps=(say(back), say(on)),
        )

    async def _only_without_counts(self) -> None:
        await self._change(self._wanted.with_(counts=Counts.UNKNOWN))

    async def _sort(self, column: object) -> None:
        await self._change(self._wanted.with_(order=next_order(column, self._wanted.order)))


class UsageTotals:
    """The sums of all filtered requests, not only of this page."""

    def __init__(self, formats: Formats, show_without_counts: Callable[[], Awaitable[None]]) -> None:
        """Draw the names with room for the figures; `show_without_counts` filters for requests without counts."""
        self._formats = formats
        with SumStrip("usage-totals") as self._sums:
            self._sums.add(_("Requests"))
            self._sums.add(_("Prompt"))
            self._sums.add(_("Completion"))
            self._sums.add(_("Total raw"), is_main=True)
            why = _("How raw tokens become billable ones")
            self._sums.add(_("Total billable"), is_main=True, href=BILLABLE, title=why)
            self._sums.add(_("Cost"))
        with tag("p", "mp-hint mp-card__note", data_testid="without-counts") as self._unknown:
            self._without = Text("span", "")
            self._show_them = tag("button", "mp-link", _("Show them"), type="button")
            self._show_them.on("click", show_without_counts, args=[])
        self._unknown.set_visibility(False)
        self._pruned = PrunedNote(formats)

    def show(self, sums: Figures, pruned: Figures) -> None:
        """Show newer figures; `pruned` are those of requests that are no longer listed."""
        f = self._formats
        self._unknown.set_visibility(sums.without_counts > 0)
        self._show_them.set_visibility(sums.without_counts < sums.requests)
        unknown = plural(
            "{count} request without counts: their tokens are unknown, and not billed.",
            "{count} requests without counts: their tokens are unknown, and not billed.",
            sums.without_counts,
        )
        self._without.show(f"{unknown} ")
        self._pruned.show(pruned)
        counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.total_tokens, sums.tokens)
        self._sums.show(*map(f.number, counts), f.cost(sums))
