"""The card of Usage History: the sums of all filtered requests, one page of the requests, and the pager."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from portal.pages.account.usage.empty import EmptyUsage
from portal.pages.account.usage.table import UsageTable, next_order
from portal.pages.addresses import BILLABLE
from portal.pages.components.listing import Pager, SumStrip
from portal.pages.components.parts import Text, set_props, tag
from portal.rules.figures import Figures
from portal.rules.messages import message
from portal.rules.usage import Counts, Order, UsageFilter
from portal.views.usage import UsageView
from portal.words import _, plural, say
from portal.words.formats import Formats

_WAITING_ROWS = 8
_NEWER, _OLDER = message("Newer"), message("Older")
_STEPS = {
    Order.NEWEST: (_NEWER, _OLDER),
    Order.OLDEST: (_OLDER, _NEWER),
    Order.LARGEST: (message("Larger"), message("Smaller")),
}


class UsageCard:
    """Sums, table and pager; their controls ask for another filter, page or page size."""

    def __init__(
        self,
        formats: Formats,
        *,
        change: Callable[[UsageFilter], Awaitable[None]],
        turn: Callable[[str | None], Awaitable[None]],
        resize: Callable[[int], Awaitable[None]],
        edit: Callable[[object], Awaitable[None]],
    ) -> None:
        """Draw the card with skeletons in place of rows and figures."""
        self._formats = formats
        self._change = change
        self._wanted = UsageFilter()
        with tag("section", "mp-card", id="requests", aria_label=_("Requests")) as self._card:
            Text("h2", _("Requests")).classes("mp-sr")
            self._sums = UsageTotals(formats, self._only_without_counts)
            self._table = UsageTable(formats, self._sort, edit)
            self._empty = EmptyUsage(formats, change, turn)
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
        self._pruned = Text("p").classes("mp-hint mp-card__note")
        self._pruned.set_visibility(False)

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
        self._pruned.set_visibility(pruned.requests > 0)
        if pruned.requests:
            figures = ", ".join((f.requests(pruned.requests), f.billable(pruned.tokens), f.cost(pruned)))
            older = _(
                "Older requests are no longer kept one by one. Not listed, but counted: {figures}.", figures=figures
            )
            self._pruned.show(older)
        counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.total_tokens, sums.tokens)
        self._sums.show(*map(f.number, counts), f.cost(sums))
