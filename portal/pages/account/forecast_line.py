"""The line below a budget: how long the budget lasts, from the account's consumption in the last weeks."""

from datetime import datetime

from portal.pages.addresses import requests_url
from portal.pages.components.parts import Text, icon, icon_name, set_props, tag
from portal.pages.navigation import USAGE
from portal.rules.messages import message
from portal.rules.periods import Period
from portal.rules.spending.forecast import HISTORY_DAYS, LEAST_ACTIVE_DAYS, LEAST_DAYS, Outlook, Prospect
from portal.settings import settings
from portal.views.spending.budget import BudgetView
from portal.words import _, say
from portal.words.formats import Formats

_ENOUGH = {
    Period.DAILY: message("Enough for today"),
    Period.MONTHLY: message("Enough for this month"),
    Period.TOTAL: message("Enough for more than a year"),
}
_SOURCE = message("Estimated from your last {weeks} weeks", weeks=HISTORY_DAYS // 7)
_WANTED = message(
    "Needs {days} whole days since the first request, {active} of them with requests",
    days=LEAST_DAYS,
    active=LEAST_ACTIVE_DAYS,
)


class ForecastLine:
    """The forecast of one budget; its line keeps its height while it is empty."""

    def __init__(self, formats: Formats, *, usage: str = USAGE.path) -> None:
        """Draw it with room for its text; `usage` is the address of the list of requests."""
        self._formats = formats
        self._usage = usage
        with tag("p", "mp-forecast", data_testid="forecast", data_forecast="none") as self._line:
            self._icon = icon("clock")
            self._text = Text(skeleton=144)
            self._link = Text("a", "")
            self._next = Text("span", "")
        self._icon.set_visibility(False)

    def show(self, view: BudgetView, now: datetime) -> None:
        """Show a newer forecast; nothing if there is no limit."""
        text, title = outlook_texts(view, now, self._formats)
        self._text.show(text, title=title)
        used_up, to_do = used_up_texts(view, now, self._formats)
        self._link.show(used_up)
        set_props(self._link, href=requests_url(view.days, self._usage) if used_up and view.figures.requests else None)
        self._next.show(to_do)
        self._icon.set_visibility(bool(text or to_do))
        if view.outlook is not None:
            self._icon.set_name(icon_name(_icon(view.outlook)))
            set_props(self._line, data_forecast="early" if view.outlook.ends_early else view.outlook.prospect.value)


def outlook_texts(view: BudgetView, now: datetime, f: Formats) -> tuple[str, str]:
    """Return the text of a forecast, and its tooltip."""
    found = view.outlook
    if found is None or found.prospect in {Prospect.NO_LIMIT, Prospect.EXHAUSTED}:
        return "", ""
    if found.prospect is Prospect.TOO_LITTLE_DATA:
        return _("Too little data for a forecast"), say(_WANTED)
    if found.until is None:
        return say(_ENOUGH[view.period]), say(_SOURCE)
    text = _("Lasts until {when} at this pace", when=f.coming(found.until, now))
    return text, f"{f.exact(found.until)}. {say(_SOURCE)}"


def used_up_texts(view: BudgetView, now: datetime, f: Formats) -> tuple[str, str]:
    """Return since when a budget is used up, and what to do; two empty texts while tokens remain."""
    if not view.budget.is_used_up:
        return "", ""
    if not view.budget.limit:
        return "", _("Allows no tokens. Raise it") if settings().is_desktop else _("Allows no tokens. Ask for more")
    since = _("Used up {when}", when=f.at(view.used_up_at, now)) if view.used_up_at else _("Used up")
    if settings().is_desktop:
        return since, _("Raise it or wait") if view.resets_at else _("Raise it")
    return since, _("Ask for more or wait") if view.resets_at else _("Ask for more")


def _icon(found: Outlook) -> str:
    if found.ends_early:
        return "warn"
    if found.prospect is Prospect.EXHAUSTED:
        return "crit"
    return {Prospect.ENOUGH: "check", Prospect.TOO_LITTLE_DATA: "info"}.get(found.prospect, "clock")
