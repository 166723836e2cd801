"""The filters that Organisation Usage and the list of its requests have in common."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from portal.clock import utc_now
from portal.pages.components.filters import Chip, FilterBar
from portal.pages.components.table_list import Item, TableList
from portal.rules.lists import ListFilter
from portal.rules.metering.organisation import NO_COST_CENTRE, Grouping, Span, scope_of
from portal.rules.metering.usage import FIRST_DAY, LAST_DAY
from portal.rules.periods import day_of
from portal.settings import settings
from portal.words import _, say
from portal.words.usage import GROUPINGS, SPANS, group_label

_NAMED = (Grouping.TEAM, Grouping.COST_CENTRE, Grouping.MODEL, Grouping.MODE, Grouping.GATEWAY)


class ScopeList(TableList[Item]):
    """A list with the filters of a scope: its days, and the conditions; links choose the account."""

    replaces: ClassVar = {"range": ("from", "to")}
    _account = ""

    def draw_span(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the usual ranges."""
        bar.segments("range", _("Time range"), {span.value: say(words) for span, words in SPANS.items()})

    def draw_scope(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the first and the last day, and the conditions."""
        bar.day("from", _("From"), str(FIRST_DAY), str(LAST_DAY))
        bar.day("to", _("To"), str(FIRST_DAY), str(LAST_DAY))
        for by in _NAMED:
            bar.choice(by.value, say(GROUPINGS[by]), {"": _("All")}, names=True)

    def texts(self, wanted: ListFilter) -> dict[str, str]:
        """Return the texts of the fields of a filter, with the days of its range."""
        days = scope_of(wanted, day_of(utc_now(), settings().budget_zone)).days
        has_own = bool(wanted.choice("from") or wanted.choice("to"))
        span = "" if has_own else wanted.choice("range") or Span.MONTH.value
        return super().texts(wanted) | {"from": days.first.isoformat(), "to": days.last.isoformat(), "range": span}

    def chips(self, wanted: ListFilter) -> list[Chip]:
        """Return a chip for the account, which links choose."""
        account = wanted.choice("account")
        return [Chip(say(GROUPINGS[Grouping.ACCOUNT]), ("account",), self._account or account)] if account else []

    def show(self, view: Any, now: datetime) -> None:
        """Show newer rows; the filters offer the values of the range."""
        self._offer(view.names or {})
        super().show(view, now)

    def _offer(self, names: Mapping[Grouping, Mapping[str, str]]) -> None:
        for by in _NAMED:
            words = {(choice or NO_COST_CENTRE): group_label(by, key) for choice, key in names.get(by, {}).items()}
            self._bar.offer(by.value, words)
        account = next(iter(names.get(Grouping.ACCOUNT, {}).values()), "")
        if account != self._account:
            self._account = account
            self.show_place()
