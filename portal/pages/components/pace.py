"""One line on where a budget leads at the pace of the account's own weeks."""

from datetime import datetime

from portal.pages.components.formats import Formats
from portal.pages.components.parts import Text, icon, icon_name, set_props, tag
from portal.rules.forecast import HISTORY_DAYS, LEAST_ACTIVE_DAYS, LEAST_DAYS, Outlook, Prospect
from portal.rules.periods import Period
from portal.views.budget import BudgetView

_ENOUGH = {
    Period.DAILY: "Enough for today",
    Period.MONTHLY: "Enough for this month",
    Period.TOTAL: "Enough for more than a year",
}
_SOURCE = f"Estimated from your last {HISTORY_DAYS // 7} weeks"
_WANTED = f"Needs {LEAST_DAYS} whole days since the first request, {LEAST_ACTIVE_DAYS} of them with requests"


class Pace:
    """The line itself, with room for it while there is nothing to say."""

    def __init__(self, formats: Formats) -> None:
        """Draw it with room for its text."""
        self._formats = formats
        with tag("p", "mp-pace", data_testid="pace", data_pace="none") as self._line:
            self._icon = icon("clock")
            self._text = Text(skeleton=144)
        self._icon.set_visibility(False)

    def show(self, view: BudgetView, now: datetime) -> None:
        """Put a newer outlook in place; nothing where there is no limit, or where it is used up and said so."""
        text, title = said(view, now, self._formats)
        self._text.show(text, title=title)
        self._icon.set_visibility(bool(text))
        if view.outlook is not None:
            self._icon.set_name(icon_name(_icon(view.outlook)))
            set_props(self._line, data_pace="early" if view.outlook.ends_early else view.outlook.prospect.value)


def said(view: BudgetView, now: datetime, f: Formats) -> tuple[str, str]:
    """Return where a budget leads in words, and what to add in a tooltip."""
    found = view.outlook
    if found is None or found.prospect in {Prospect.NO_LIMIT, Prospect.EXHAUSTED}:
        return "", ""
    if found.prospect is Prospect.TOO_LITTLE_DATA:
        return "Too little data for a forecast", _WANTED
    if found.until is None:
        return _ENOUGH[view.period], _SOURCE
    return f"Lasts until {f.coming(found.until, now)} at this pace", f"{f.exact(found.until)}. {_SOURCE}"


def _icon(found: Outlook) -> str:
    if found.ends_early:
        return "warn"
    return {Prospect.ENOUGH: "check", Prospect.TOO_LITTLE_DATA: "info"}.get(found.prospect, "clock")
