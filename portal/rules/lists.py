"""The filter of a list that the database searches, filters, sorts and pages: the parameters of its address.

A list has `ListRules`, which page, JSON and command share. `ListFilter` is what a visitor has chosen.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from portal.rules.messages import InvalidValue, message
from portal.rules.metering.usage import InvalidFilter, parse_day

LONGEST_SEARCH = 100
SORT = "sort"
SEARCH = "search"

Check = Callable[[str], str]
"""Returns the text of a choice. Raises InvalidValue."""


@dataclass(frozen=True, slots=True)
class ListFilter:
    """The search text, the choices by name, and the order: the name of a column, descending after a minus.

    An empty order is the plain one of the list.
    """

    search: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    sort: str = ""

    def choice(self, name: str) -> str:
        """Return what was chosen for a name; empty without a choice."""
        return dict(self.choices).get(name, "")

    def params(self) -> dict[str, str]:
        """Return the differences from the plain list as parameters of its address."""
        chosen = {SEARCH: self.search, **dict(self.choices), SORT: self.sort}
        return {name: text for name, text in chosen.items() if text}


@dataclass(frozen=True, slots=True)
class ListRules:
    """What a list can be sorted and filtered by.

    `sorts` are the names of the sorted columns with the type of their values: str, int or datetime, never null.
    `plain` is the order of the list at first, such as `-at`; `choices` are the filters with their checks.
    """

    sorts: Mapping[str, type]
    plain: str
    choices: Mapping[str, Check] = field(default_factory=dict)
    searches: bool = True

    def parse(self, params: Mapping[str, str]) -> ListFilter:
        """Return the filter in the parameters of an address; empty ones are ignored. Raises InvalidFilter."""
        chosen: list[tuple[str, str]] = []
        found = ListFilter()
        for name, text in params.items():
            if name == SORT:
                found = replace(found, sort=self._sort(text))
            elif name == SEARCH and (self.searches or not text):
                found = replace(found, search=_checked(name, _search, text))
            elif name not in self.choices:
                raise InvalidFilter(name[:64], message("There is no filter called {name}.", name=repr(name[:64])))
            elif text:
                chosen.append((name, _checked(name, self.choices[name], text)))
        return replace(found, choices=tuple(sorted(chosen)))

    def order(self, wanted: ListFilter) -> tuple[str, bool]:
        """Return the column of the order, and whether it is descending."""
        text = wanted.sort or self.plain
        return text.removeprefix("-"), text.startswith("-")

    def sorted_by(self, wanted: ListFilter, column: str) -> ListFilter:
        """Return the filter after a click on the heading of a column: text ascends first, all other values descend.

        A second click reverses the order; an unknown column changes nothing.
        """
        if column not in self.sorts:
            return wanted
        now, descending = self.order(wanted)
        descends = not descending if now == column else self.sorts[column] is not str
        sort = f"-{column}" if descends else column
        return replace(wanted, sort="" if sort == self.plain else sort)

    def _sort(self, text: str) -> str:
        if text and text.removeprefix("-") not in self.sorts:
            names = ", ".join(self.sorts)
            raise InvalidFilter(
                SORT, message("The list is sorted by one of {names}; a minus before it means descending.", names=names)
            )
        return "" if text == self.plain else text


def one_of(values: Collection[str]) -> Check:
    """Return the check of a choice that has one of `values`."""

    def check(text: str) -> str:
        if text not in values:
            raise InvalidValue(message("Choose one of {choices}.", choices=", ".join(values)))
        return text

    return check


def day_choice(text: str) -> str:
    """Check a choice that is a day such as 2026-11-22."""
    return parse_day(text, "day").isoformat()


def text_choice(text: str) -> str:
    """Check a choice that is any short text."""
    return _search(text)


def sort_value(kind: type, value: object) -> bool:
    """Return whether a value of a cursor fits a sorted column of this type."""
    if kind is int:
        return type(value) is int and -(2**63) <= value < 2**63
    if kind is str:
        return isinstance(value, str) and "\x00" not in value
    return isinstance(value, datetime)


def _checked(name: str, check: Check, text: str) -> str:
    try:
        return check(text)
    except InvalidValue as error:
        raise InvalidFilter(name, error.sentence) from error


def _search(text: str) -> str:
    if len(text) > LONGEST_SEARCH or "\x00" in text or any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidValue(
            message("The filter has at most {most} characters, and no NUL among them.", most=LONGEST_SEARCH)
        )
    return text.strip()
