"""The price book: which entry prices a request, and what the request costs by it.

A general entry has a price per billable token. A model entry has prices per million prompt, cached and completion
tokens for the models that its pattern matches; they are multiplied by the cost factor of the request.

Decision on patterns: the requested name of the model is compared, without regard to case. `*` matches any characters,
also none and `/`; `?` matches exactly one; nothing else is special. A pattern without either is an exact name. Among
the patterns with an entry in force, the exact name is taken, else the longest pattern: the one with the most characters
other than `*`. Of two equally long ones it is the one with fewer `*` and `?`, then the first in alphabetical order. The
general entry is for all other models.

A model entry without prices is an end: from then on its pattern is not taken, so the models have the price of the next
pattern that matches, or the general one.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from portal.rules.messages import InvalidValue, message
from portal.rules.spending.pricing import MAX_PRICE, cost_nano_eur, is_rate, model_cost_nano_eur
from portal.rules.text import clean_line

MILLION = 10**6
MAX_RATE = MAX_PRICE * MILLION
LONGEST_PATTERN = 200
"""Characters, as many as the name of a model may have."""
LONGEST_SOURCE = 200


@dataclass(frozen=True, slots=True)
class Rates:
    """EUR per million tokens; `cached` is for the prompt tokens that were read from a cache."""

    prompt: Decimal
    completion: Decimal
    cached: Decimal


@dataclass(frozen=True, slots=True)
class RequestTokens:
    """The raw tokens of one request or of several with one cost factor, and their billable tokens.

    Cached tokens are part of the prompt tokens.
    """

    prompt: int
    completion: int
    cached: int
    billable: int

    @property
    def uncached(self) -> int:
        """Prompt tokens that were not read from a cache."""
        return self.prompt - self.cached


@dataclass(frozen=True, slots=True)
class Price:
    """An entry of the price book; one without `valid_from` is in force from the beginning.

    A model entry has `pattern` and `rates`, and 0 in place of `eur_per_token`; a general entry has neither. A `pattern`
    without `rates` is an end. `source` says where the numbers are from. `id` is that of a stored entry.
    """

    eur_per_token: Decimal
    valid_from: datetime | None = None
    pattern: str | None = None
    rates: Rates | None = None
    source: str = ""
    id: int | None = field(default=None, compare=False)

    @property
    def is_end(self) -> bool:
        """Whether the entry ends the price of its pattern."""
        return self.pattern is not None and self.rates is None

    @property
    def is_free(self) -> bool:
        """Whether requests, or some of their tokens, cost nothing by this entry."""
        if self.rates is not None:
            return not all((self.rates.prompt, self.rates.completion, self.rates.cached))
        return self.pattern is None and not self.eur_per_token

    def cost(self, tokens: RequestTokens, cost_factor: Decimal) -> int:
        """Return the cost of tokens in whole nano-euros, rounded half up once."""
        if self.rates is not None:
            amounts = (tokens.uncached, tokens.cached, tokens.completion)
            return model_cost_nano_eur(
                amounts, (self.rates.prompt, self.rates.cached, self.rates.completion), cost_factor
            )
        return cost_nano_eur(tokens.billable, self.eur_per_token)


def model_price(pattern: str, rates: Rates | None, valid_from: datetime, source: str = "") -> Price:
    """Return an entry for the models that a pattern matches; without rates it ends their price."""
    return Price(Decimal(0), valid_from, pattern, rates, source)


def price_at(book: Sequence[Price], instant: datetime) -> Price | None:
    """Return the entry in force at `instant` among entries of one pattern; None if there is none.

    It is the latest that is valid from then or before.
    """
    begun = [entry for entry in book if entry.valid_from is None or entry.valid_from <= instant]
    return max(begun, key=lambda entry: (entry.valid_from is not None, entry.valid_from), default=None)


class PriceBook:
    """Finds the entry for a model and an instant; the entries of each model are collected once."""

    def __init__(self, entries: Iterable[Price]) -> None:
        """Sort the entries by pattern."""
        self._patterns = _by_pattern(entries)
        self._globs = [pattern for pattern in self._patterns if pattern is not None and not is_exact(pattern)]
        self._of_model: dict[str, list[list[Price]]] = {}

    def general(self, instant: datetime) -> Price | None:
        """Return the general entry in force, None if there is none."""
        return price_at(self._patterns.get(None, ()), instant)

    def at(self, model: str, instant: datetime) -> Price | None:
        """Return the entry that prices a request of a model at an instant, None if there is none."""
        groups = self._of_model.get(model)
        if groups is None:
            groups = self._of_model[model] = self._matching(model)
        found = (price_at(group, instant) for group in groups)
        return next((price for price in found if price is not None and not price.is_end), None)

    def own(self, pattern: str, instant: datetime) -> Price | None:
        """Return the entry of exactly this pattern at an instant, also an end; None if there is none."""
        return price_at(self._patterns.get(pattern, ()), instant)

    def _matching(self, model: str) -> list[list[Price]]:
        """Return the entries of each matching pattern, the pattern that goes first at the start."""
        name = model.lower()
        found = sorted((pattern for pattern in self._globs if matches(pattern, name)), key=precedence)
        exact = [self._patterns[name]] if name in self._patterns and is_exact(name) else []
        general = [self._patterns[None]] if None in self._patterns else []
        return exact + [self._patterns[pattern] for pattern in found] + general


def prices_in_force(entries: Iterable[Price], instant: datetime) -> list[Price]:
    """Return the entry of each pattern that is in force at an instant."""
    groups = _by_pattern(entries).values()
    return [found for group in groups if (found := price_at(group, instant)) is not None]


def _by_pattern(entries: Iterable[Price]) -> dict[str | None, list[Price]]:
    groups: dict[str | None, list[Price]] = {}
    for entry in entries:
        groups.setdefault(entry.pattern, []).append(entry)
    return groups


def with_changes(entries: Iterable[Price], planned: Iterable[Price], removed: Iterable[int] = ()) -> list[Price]:
    """Return the book after entries were added and others removed by id; an entry replaces that of its instant."""
    gone = set(removed)
    book = {(entry.pattern, entry.valid_from): entry for entry in entries if entry.id not in gone}
    return list((book | {(entry.pattern, entry.valid_from): entry for entry in planned}).values())


def is_exact(pattern: str) -> bool:
    """Return whether a pattern is the name of one model."""
    return "*" not in pattern and "?" not in pattern


def matches(pattern: str, model: str) -> bool:
    """Return whether a pattern matches the name of a model; case makes no difference."""
    name, pattern = model.lower(), pattern.lower()
    if is_exact(pattern):
        return pattern == name
    return _regex(pattern).fullmatch(name) is not None


def _regex(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(c) or re.escape(c) for c in pattern), re.DOTALL)


def precedence(pattern: str) -> tuple[bool, int, int, str]:
    """Return the key that sorts patterns: of those that match a model, the first one is used."""
    stars, marks = pattern.count("*"), pattern.count("?")
    return not is_exact(pattern), stars - len(pattern), stars + marks, pattern


def clean_pattern(text: str) -> str:
    """Return a pattern in the form in which it is stored: lower case, `*` never twice in a row. Raises InvalidValue."""
    line = clean_line(text, message("The model"), LONGEST_PATTERN).lower()
    return re.sub(r"\*+", "*", line)


def check_rates(rates: Rates) -> None:
    """Raise InvalidValue for prices per million tokens that are out of bounds."""
    if not all(is_rate(rate, MAX_RATE) for rate in (rates.prompt, rates.completion, rates.cached)):
        raise InvalidValue(message("A price is 0 to 1,000,000 EUR per million tokens, with at most 12 decimals."))
