"""The card of Usage History: the sums of all filtered requests, one page of them, and the way to the other pages."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from nicegui import ui

from portal.pages.account.usage_table import UsageTable, next_order
from portal.pages.addresses import BILLABLE
from portal.pages.components.parts import Text, button, empty, icon, icon_name, set_props, tag, weight_legend
from portal.pages.navigation import KEYS
from portal.rules.figures import Figures
from portal.rules.usage import RANGES, Counts, Order, Status, UsageFilter
from portal.views.usage import HiddenBy, UsageView
from portal.words import _
from portal.words.formats import Formats

ROWS = (25, 50, 100)
"""How many rows a page of the list may have; the first is usual."""
_WAITING_ROWS = 8
_FITS_A_THIRD = 11
"""Characters of a sum that fit three abreast on a phone."""
_CLEAR = {
    "token_name": "Clear token name",
    "model": "Clear model",
    "mode": "Clear mode",
    "status": "Clear status",
    "counts": "Show those with counts",
    "days": f"Last {RANGES[-1]} days",
}
"""What takes back a choice that hides all requests."""
_STEPS = {
    Order.NEWEST: ("Newer", "Older"),
    Order.OLDEST: ("Older", "Newer"),
    Order.LARGEST: ("Larger", "Smaller"),
}


class UsageCard:
    """Sums, table and pager; what is pressed in it asks for another filter, page or size."""

    def __init__(
        self,
        formats: Formats,
        *,
        change: Callable[[UsageFilter], Awaitable[None]],
        turn: Callable[[str | None], Awaitable[None]],
        resize: Callable[[int], Awaitable[None]],
        edit: Callable[[object], Awaitable[None]],
    ) -> None:
        """Draw the card with skeletons where rows and figures will stand."""
        self._formats = formats
        self._change = change
        self._turn = turn
        self._wanted = UsageFilter()
        with tag("section", "mp-card", id="requests", aria_label="Requests") as self._card:
            Text("h2", "Requests").classes("mp-sr")
            self._sums = UsageTotals(formats, self._only_without_counts)
            self._table = UsageTable(formats, self._sort, edit)
            self._nothing = Nothing(formats, change, turn)
            self._pager = Pager(formats, turn, resize)
        self._table.element.wait(_WAITING_ROWS)

    def wait(self) -> None:
        """Show that other rows are on their way; those that are there stay until then."""
        set_props(self._card, aria_busy="true")

    def show(self, view: UsageView, wanted: UsageFilter, limit: int, now: datetime) -> None:
        """Put newer rows and figures in place."""
        self._wanted = wanted
        set_props(self._card, aria_busy="false")
        self._sums.show(view.totals, view.pruned)
        self._table.element.set_visibility(bool(view.rows))
        self._table.show(view.rows, wanted.order, now)
        self._nothing.show(view, wanted, now)
        self._pager.show(view, wanted.order, limit)

    async def _only_without_counts(self) -> None:
        await self._change(self._wanted.with_(counts=Counts.UNKNOWN))

    async def _sort(self, column: object) -> None:
        await self._change(self._wanted.with_(order=next_order(column, self._wanted.order)))


class UsageTotals:
    """The sums of the whole filtered set, not of the page."""

    def __init__(self, formats: Formats, show_without_counts: Callable[[], Awaitable[None]]) -> None:
        """Draw the names with room for the figures; `show_without_counts` filters by the requests without counts."""
        self._formats = formats
        names = ("Requests", "Prompt", "Completion", "Total raw", "Total billable", "Cost")
        with tag("dl", "mp-strip", data_testid="usage-totals") as self._strip:
            self._values = {name: self._draw(name) for name in names}
        with tag("p", "mp-hint mp-card__note", data_testid="without-counts") as self._unknown:
            self._without = Text("span", "")
            self._show_them = tag("button", "mp-link", "Show them", type="button")
            self._show_them.on("click", show_without_counts, args=[])
        self._unknown.set_visibility(False)
        self._pruned = Text("p").classes("mp-hint mp-card__note")
        self._pruned.set_visibility(False)

    def show(self, sums: Figures, pruned: Figures) -> None:
        """Put newer figures in place; `pruned` are those of requests that are no longer listed."""
        f = self._formats
        self._unknown.set_visibility(sums.without_counts > 0)
        self._show_them.set_visibility(sums.without_counts < sums.requests)
        self._without.show(
            f"{f.requests(sums.without_counts)} without counts: their tokens are unknown, and not billed. "
        )
        self._pruned.set_visibility(pruned.requests > 0)
        if pruned.requests:
            what = f"{f.requests(pruned.requests)}, {f.billable(pruned.tokens)}, {f.cost(pruned)}"
            self._pruned.show(f"Older requests are no longer kept one by one. Not listed, but counted: {what}.")
        counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.total_tokens, sums.tokens)
        values = (*map(f.number, counts), f.cost(sums))
        for text, value in zip(self._values.values(), values, strict=True):
            text.show(value)
        is_long = max(map(len, values)) > _FITS_A_THIRD
        self._strip.classes(add="mp-strip--long" if is_long else "", remove="" if is_long else "mp-strip--long")

    def _draw(self, name: str) -> Text:
        with tag("div", "is-main" if name.startswith("Total") else ""):
            if name == "Total billable":
                with tag("dt", ""):
                    tag("a", "mp-plain", name, href=BILLABLE, title="How raw tokens become billable ones")
            else:
                Text("dt", name)
            return Text("dd", skeleton=80)


class Nothing:
    """What stands in place of the table when it has no rows, and the ways on."""

    def __init__(
        self,
        formats: Formats,
        change: Callable[[UsageFilter], Awaitable[None]],
        turn: Callable[[str | None], Awaitable[None]],
    ) -> None:
        """Draw both reasons, hidden."""
        self._formats = formats
        self._change = change
        self._wanted = UsageFilter()
        self._shown: tuple[HiddenBy, ...] = ()
        with empty(
            "list",
            "No requests yet",
            "Create an API key and give it to a program. Each request appears here as soon as a gateway reports it.",
        ) as self._never:
            with tag("a", "mp-btn mp-btn--primary", href=f"{KEYS.path}?create=1"):
                icon("plus")
                Text("span", "Create key")
        with tag("div", "mp-empty", role="status", data_testid="no-match") as self._no_match:
            icon("search")
            self._title = Text("h3", "")
            self._why = Text("p", "")
            self._ways = tag("div", "mp-empty__ways", data_testid="no-match-ways")
            with tag("div", "mp-empty__ways"):
                self._reset = button("Reset filters", lambda: change(UsageFilter(order=self._wanted.order)))
                self._back = button("To the first page", lambda: turn(None))
        for place in (self._never, self._no_match):
            place.set_visibility(False)

    def show(self, view: UsageView, wanted: UsageFilter, now: datetime) -> None:
        """Show why there are no rows, if there are none."""
        self._wanted = wanted
        is_past_the_end = not view.rows and view.totals.requests > 0
        self._never.set_visibility(not view.rows and not view.modes)
        self._no_match.set_visibility(not view.rows and bool(view.modes))
        self._title.show("No requests match" if _choices(wanted) else "No requests in this range")
        self._why.show("This page of the list is empty." if is_past_the_end else self._reason(view, wanted, now))
        self._show_ways(view.hidden_by)
        self._reset.set_visibility(not is_past_the_end and wanted != UsageFilter(wanted.range, order=wanted.order))
        self._back.set_visibility(is_past_the_end)

    def _show_ways(self, hidden_by: tuple[HiddenBy, ...]) -> None:
        """Offer to clear each choice that is the cause, with what would be found without it."""
        if hidden_by == self._shown:
            return
        self._shown = hidden_by
        self._ways.clear()
        with self._ways:
            for cause in hidden_by:
                text = f"{_CLEAR[cause.choice]} ({self._formats.requests(cause.requests)})"
                button(text, lambda cause=cause: self._change(cause.wanted))

    def _reason(self, view: UsageView, wanted: UsageFilter, now: datetime) -> str:
        """Say what matches nothing, and which choices are the cause."""
        parts = _choices(wanted)
        what = f"Nothing matches {_listed(list(parts.values()))}" if parts else "Nothing was requested"
        days = "these days" if wanted.budget_from or wanted.budget_to else None
        sentence = f"{what} on {days or self._formats.days(wanted.days(now, self._formats.zone))}."
        causes = [parts.get(cause.choice, "the days") for cause in view.hidden_by]
        if not causes:
            return sentence if len(wanted.without_each()) < 2 else f"{sentence} No single filter is the cause."
        if len(causes) == 1:
            return f"{sentence} The cause is {causes[0]}."
        return f"{sentence} It helps to clear {_listed(causes, 'or')}."


class Pager:
    """Which rows of how many these are, and the neighbouring pages."""

    def __init__(
        self,
        formats: Formats,
        turn: Callable[[str | None], Awaitable[None]],
        resize: Callable[[int], Awaitable[None]],
    ) -> None:
        """Draw it hidden."""
        self._formats = formats
        self._limit = ROWS[0]
        self._before: str | None = None
        self._after: str | None = None

        async def chosen(limit: object) -> None:
            if isinstance(limit, int) and limit != self._limit:
                await resize(limit)

        with tag("div", "mp-pager", data_testid="usage-pager") as self._element:
            with tag("p", role="status"):
                self._count = Text("span", "")
                Text("span", f"Times in {formats.zone.key}").classes("mp-pager__zone")
            weight_legend(_("Share of the largest total on this page"))
            with tag("div", "mp-pager__size p-rows"):
                label = Text("label", "Rows")
                self._size = ui.select(list(ROWS), value=ROWS[0], on_change=lambda event: chosen(event.value))
                self._size.props("outlined dense options-dense behavior=menu")
                set_props(self._size, for_=self._size.html_id, aria_label="Rows", dropdown_icon=icon_name("down"))
                set_props(label, for_=self._size.html_id)
            with tag("div", "mp-pager__steps"):
                self._back = button("Newer", lambda: turn(self._before), icon="left")
                self._on = button("Older", lambda: turn(self._after)).props(f'icon-right="{icon_name("right")}"')
        self._element.set_visibility(False)

    def show(self, view: UsageView, order: Order, limit: int) -> None:
        """Say where in the list this page is; a page back from the second one is the first, with all that is new."""
        f, first, count = self._formats, view.before + 1, view.totals.requests
        self._limit = limit
        self._before = view.newer if view.before > limit else None
        self._after = view.older
        self._element.set_visibility(bool(view.rows))
        self._count.show(f"{f.number(first)} – {f.number(view.before + len(view.rows))} of {f.requests(count)}")
        self._size.set_value(limit)
        for step, name, is_possible in zip(
            (self._back, self._on), _STEPS[order], (view.newer is not None, view.older is not None), strict=True
        ):
            step.set_text(name)
            step.set_enabled(is_possible)


def _choices(wanted: UsageFilter) -> dict[str, str]:
    """Return what a filter asks for besides days, in words by the name of the choice."""
    words = {
        "token_name": f"token name “{wanted.token_name}”" if wanted.token_name else "",
        "model": f"model {wanted.model}" if wanted.model else "",
        "mode": f"mode {wanted.mode}" if wanted.mode else "",
        "status": f"status {wanted.status}" if wanted.status is not Status.ALL else "",
        "counts": "without counts" if wanted.counts is Counts.UNKNOWN else "",
    }
    return {name: text for name, text in words.items() if text}


def _listed(parts: Sequence[str], last: str = "and") -> str:
    """Return `a, b and c`, or with another word before the last part."""
    return f" {last} ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
