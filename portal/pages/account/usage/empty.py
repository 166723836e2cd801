"""The message of Usage History in place of a table without rows: the reason, and buttons that help."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from nicegui.element import Element

from portal.pages.account.usage.filters import STATUSES, without_choices
from portal.pages.components.parts import Text, button, empty, icon, tag
from portal.pages.components.welcome import connect_program
from portal.pages.navigation import KEYS
from portal.rules.messages import message
from portal.rules.metering.usage import RANGES, Counts, Status, UsageFilter
from portal.settings import settings
from portal.views.metering.usage import HiddenBy, UsageView
from portal.words import _, context, say
from portal.words.formats import Formats

_CLEAR = {
    "token_name": message("Clear token name"),
    "model": message("Clear model"),
    "mode": message("Clear mode"),
    "status": message("Clear status"),
    "counts": message("Show those with counts"),
    "days": message("Last {days} days", days=RANGES[-1]),
}
"""Texts of the buttons that remove a choice which hides all requests."""


class EmptyUsage:
    """The two messages: there are no requests at all, or none match."""

    def __init__(
        self,
        formats: Formats,
        change: Callable[[UsageFilter], Awaitable[None]],
        turn: Callable[[str | None], Awaitable[None]],
        *,
        is_own: bool,
    ) -> None:
        """Draw both messages hidden; without `is_own` the requests are those of another person."""
        self._formats = formats
        self._change = change
        self._wanted = UsageFilter()
        self._shown: tuple[HiddenBy, ...] = ()
        self._never = _draw_never(is_own=is_own)
        with tag("div", "mp-empty", role="status", data_testid="no-match") as self._no_match:
            icon("search")
            self._title = Text("h3", "")
            self._why = Text("p", "")
            self._ways = tag("div", "mp-empty__ways", data_testid="no-match-ways")
            with tag("div", "mp-empty__ways"):
                self._reset = button(_("Reset filters"), lambda: change(without_choices(self._wanted)))
                self._back = button(_("To the first page"), lambda: turn(None))
        for place in (self._never, self._no_match):
            place.set_visibility(False)

    def show(self, view: UsageView, wanted: UsageFilter, now: datetime) -> None:
        """Show why there are no rows; nothing if there are rows."""
        self._wanted = wanted
        is_past_the_end = not view.rows and view.totals.requests > 0
        self._never.set_visibility(not view.rows and not view.modes)
        self._no_match.set_visibility(not view.rows and bool(view.modes))
        self._title.show(_("No requests match") if _choices(wanted) else _("No requests in this range"))
        self._why.show(_("This page of the list is empty.") if is_past_the_end else self._reason(view, wanted, now))
        self._show_ways(view.hidden_by)
        self._reset.set_visibility(not is_past_the_end and wanted != UsageFilter(wanted.range, order=wanted.order))
        self._back.set_visibility(is_past_the_end)

    def _show_ways(self, hidden_by: tuple[HiddenBy, ...]) -> None:
        """Offer to clear each choice that is the cause, with the number of requests without it."""
        if hidden_by == self._shown:
            return
        self._shown = hidden_by
        self._ways.clear()
        with self._ways:
            for cause in hidden_by:
                text = f"{say(_CLEAR[cause.choice])} ({self._formats.requests(cause.requests)})"
                button(text, lambda cause=cause: self._change(cause.wanted))

    def _reason(self, view: UsageView, wanted: UsageFilter, now: datetime) -> str:
        """Return a sentence that says what matches nothing, and which choices are the cause."""
        parts = _choices(wanted)
        sentence = self._what(list(parts.values()), wanted, now)
        causes = [parts.get(cause.choice) or _("the days") for cause in view.hidden_by]
        if len(causes) == 1 and causes == (list(parts.values()) or causes):
            return sentence  # it has named nothing else
        return f"{sentence} {_cause(causes, wanted)}".rstrip()

    def _what(self, filters: Sequence[str], wanted: UsageFilter, now: datetime) -> str:
        if wanted.budget_from or wanted.budget_to:
            if not filters:
                return _("Nothing was requested on these days.")
            return _("Nothing matches {filters} on these days.", filters=_all_of(filters))
        span = wanted.days(now, self._formats.zone)
        days = self._formats.days(span)
        if span.first == span.last:
            if not filters:
                return context("one day", "Nothing was requested on {days}.", days=days)
            return context("one day", "Nothing matches {filters} on {days}.", filters=_all_of(filters), days=days)
        if not filters:
            return _("Nothing was requested on {days}.", days=days)
        return _("Nothing matches {filters} on {days}.", filters=_all_of(filters), days=days)


def _draw_never(*, is_own: bool) -> Element:
    if not is_own:
        return empty("list", _("No requests yet"), _("No gateway has reported a request of this person."))
    if settings().is_desktop:
        return connect_program("list", _("No requests yet"), _("Each request appears here as soon as it is reported."))
    about = _("Create an API key and give it to a program. Each request appears here as soon as a gateway reports it.")
    with empty("list", _("No requests yet"), about) as place:
        with tag("a", "mp-btn mp-btn--primary", href=f"{KEYS.path}?create=1"):
            icon("plus")
            Text("span", _("Create key"))
    return place


def _cause(causes: Sequence[str], wanted: UsageFilter) -> str:
    """Return a sentence that names the choices which hide everything; "" if there is only one."""
    if not causes:
        return "" if len(wanted.without_each()) < 2 else _("No single filter is the cause.")
    if len(causes) == 1:
        return _("The cause is {filter}.", filter=causes[0])
    return _("It helps to clear {filters}.", filters=_any_of(causes))


def _choices(wanted: UsageFilter) -> dict[str, str]:
    """Return the choices of a filter besides its days: their names with their values in words."""
    words = {
        "token_name": _("token name “{name}”", name=wanted.token_name) if wanted.token_name else "",
        "model": _("model {name}", name=wanted.model) if wanted.model else "",
        "mode": _("mode {name}", name=wanted.mode) if wanted.mode else "",
        "status": _("status {name}", name=say(STATUSES[wanted.status])) if wanted.status is not Status.ALL else "",
        "counts": _("without counts") if wanted.counts is Counts.UNKNOWN else "",
    }
    return {name: text for name, text in words.items() if text}


def _all_of(parts: Sequence[str]) -> str:
    and_ = _("and")
    return _listed(parts, and_)


def _any_of(parts: Sequence[str]) -> str:
    or_ = _("or")
    return _listed(parts, or_)


def _listed(parts: Sequence[str], last: str) -> str:
    """Join parts as `a, b and c`; the given word is before the last part."""
    return f" {last} ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
