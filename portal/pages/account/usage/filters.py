"""The filters of Usage History: days, key, mode and status; model and days of budgets come from links."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from portal.pages.components.filters import Chip, FilterBar
from portal.rules.messages import message
from portal.rules.metering.usage import FIRST_DAY, LAST_DAY, RANGES, Counts, Status, UsageFilter, parse_filter
from portal.rules.periods import DayRange
from portal.settings import settings
from portal.words import _, plural, say
from portal.words.formats import Formats

_BUDGET_DAYS = ("budget_from", "budget_to")
STATUSES = {Status.ALL: message("All"), Status.OK: message("ok"), Status.ERROR: message("error")}
"""The statuses to choose from, in words."""
_REPLACES = {"range": ("from", "to", *_BUDGET_DAYS), "from": _BUDGET_DAYS, "to": _BUDGET_DAYS}


def without_choices(wanted: UsageFilter) -> UsageFilter:
    """Return the plain filter, in the same order."""
    return UsageFilter(order=wanted.order)


class UsageFilters:
    """The filter bar; each choice is passed to `change` at once."""

    def __init__(self, formats: Formats, change: Callable[[UsageFilter], Awaitable[None]]) -> None:
        """Draw the fields; `show` fills them in."""
        self._formats = formats
        self._wanted = UsageFilter()
        statuses = {status.value: say(words) for status, words in STATUSES.items()}
        label = _("Filter requests")
        with FilterBar(label, parse_filter, change, plain=without_choices, replaces=_REPLACES) as self._bar:
            ranges = {str(days): plural("{count} day", "{count} days", days) for days in RANGES}
            self._bar.segments("range", _("Time range"), ranges)
            self._bar.more()
            if not settings().is_desktop:  # its programs have no API keys
                self._bar.search("token_name", _("Token name"), _("Label or prefix"))
            self._bar.choice("mode", _("Mode"), {"": _("All")}, names=True)
            self._bar.choice("status", _("Status"), statuses, Status.ALL.value, names=False)
            self._bar.day("from", _("From"), str(FIRST_DAY), str(LAST_DAY))
            self._bar.day("to", _("To"), str(FIRST_DAY), str(LAST_DAY))

    def show(self, wanted: UsageFilter, now: datetime) -> None:
        """Show a filter in the fields."""
        self._wanted = wanted
        self._bar.show(wanted, self._texts(now), self._chips())

    def show_view(self, modes: Sequence[str], now: datetime) -> None:
        """Show the modes there are, and the days of the range, which change at midnight."""
        self._bar.offer("mode", modes)
        self._bar.show_texts(self._days(now))

    def _texts(self, now: datetime) -> dict[str, str]:
        wanted = self._wanted
        has_days = bool(wanted.from_day or wanted.budget_from or wanted.budget_to)
        fields = {"token_name": wanted.token_name, "mode": wanted.mode, "status": wanted.status.value}
        return {"range": "" if has_days else str(wanted.range), **fields, **self._days(now)}

    def _days(self, now: datetime) -> dict[str, str]:
        """Return the days of From and To; none while days of the budget zone are shown."""
        if self._wanted.budget_from or self._wanted.budget_to:
            return {"from": "", "to": ""}
        days = self._wanted.days(now, self._formats.zone)
        return {"from": days.first.isoformat(), "to": days.last.isoformat()}

    def _chips(self) -> list[Chip]:
        wanted, chips = self._wanted, []
        if wanted.model:
            chips.append(Chip(_("Model"), ("model",), wanted.model))
        if wanted.counts is Counts.UNKNOWN:
            chips.append(Chip(_("Without counts"), ("counts",)))
        if wanted.budget_from or wanted.budget_to:
            chips.append(Chip(self._budget_days(wanted.budget_from, wanted.budget_to), _BUDGET_DAYS))
        return chips

    def _budget_days(self, first: date | None, last: date | None) -> str:
        f, zone = self._formats, self._formats.budget_zone.key
        if first and last:
            days = f.days(DayRange(first, last))
            if first == last:
                return _("Day {days}, counted in {zone}", days=days, zone=zone)
            return _("Days {days}, counted in {zone}", days=days, zone=zone)
        if first:
            return _("Days from {day}, counted in {zone}", day=f.day(first), zone=zone)
        return _("Days up to {day}, counted in {zone}", day=f.day(last or LAST_DAY), zone=zone)
