"""Reading the public price map of LiteLLM, `model_prices_and_context_window.json`: USD per token by model.

Decision: the numbers are read as decimals, never as floats, and become EUR per million tokens at one rate, rounded half
up to 12 decimals. A model without a price of cached tokens has that of its prompt tokens; one without a price of
completion tokens, such as a model for embeddings, has 0. Models that are not paid by token are left out.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any, NoReturn

from portal.rules.messages import InvalidValue, Message, message
from portal.rules.spending.prices import LONGEST_PATTERN, MILLION, Rates, check_rates, clean_pattern, is_exact, matches
from portal.rules.text import clip_line

LARGEST_MAP = 20_000_000
"""Bytes of a file; the map of 2026 has 3 million."""
MOST_MODELS = 20_000

_EXACT = Context(prec=60)
_FINEST = Decimal("1E-12")
_MOST_DIGITS = 40
_PROMPT, _COMPLETION, _CACHED = "input_cost_per_token", "output_cost_per_token", "cache_read_input_token_cost"
_NO_MODELS = {"sample_spec", "fallback_generalizations"}


@dataclass(frozen=True, slots=True)
class ExchangeRate:
    """EUR for one USD on a day."""

    eur: Decimal
    day: date

    @property
    def source(self) -> str:
        """The text that each imported price has as its source."""
        return f"LiteLLM, 1 USD = {self.eur:f} EUR on {self.day.isoformat()}"


@dataclass(frozen=True, slots=True)
class MapRow:
    """A model of the map that is paid by token; without rates it has a problem."""

    model: str
    rates: Rates | None = None
    problem: Message | None = None


@dataclass(frozen=True, slots=True)
class PriceMap:
    """The models of a file that are paid by token, and the number of all others."""

    rows: tuple[MapRow, ...]
    others: int


class UnreadableMap(InvalidValue):
    """The file is not a price map."""


def exchange_rate(eur: Decimal, day: date) -> ExchangeRate:
    """Return a valid exchange rate. Raises InvalidValue."""
    if not (eur.is_finite() and 0 < eur <= 1000) or eur.quantize(Decimal("1E-6"), context=_EXACT) != eur:
        raise InvalidValue(message("A rate is more than 0 and at most 1000 EUR for one USD, with at most 6 decimals."))
    return ExchangeRate(eur, day)


def read_price_map(content: bytes, rate: ExchangeRate) -> PriceMap:
    """Return the models of a file in its order; those that are wrong have a problem. Raises UnreadableMap."""
    if len(content) > LARGEST_MAP:
        raise UnreadableMap(message("The file is larger than {most} bytes.", most=LARGEST_MAP))
    entries = [(name, entry) for name, entry in _members(content) if name not in _NO_MODELS]
    if len(entries) > MOST_MODELS:
        raise UnreadableMap(message("The file has more than {most} models.", most=MOST_MODELS))
    names = Counter(name.lower() for name, _ in entries)
    rows = [_row(name, entry, rate, is_twice=names[name.lower()] > 1) for name, entry in entries if _is_paid(entry)]
    if not rows:
        raise UnreadableMap(message("The file has no model with a price per token. Is it LiteLLM’s price map?"))
    return PriceMap(tuple(rows), len(entries) - len(rows))


def wanted_rows(rows: Iterable[MapRow], patterns: Collection[str], used: Collection[str]) -> Iterator[MapRow]:
    """Yield the rows of models that a pattern matches; without patterns those of the models that were used."""
    names = {name.lower() for name in used}
    for row in rows:
        if any(matches(pattern, row.model) for pattern in patterns) or (not patterns and row.model.lower() in names):
            yield row


def _members(content: bytes) -> list[tuple[str, Any]]:
    """Return the members of the object in a file, also those with equal names."""
    try:
        found = json.loads(
            content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_Pairs
        )
    except (ValueError, RecursionError, ArithmeticError):
        raise UnreadableMap(message("This is not a JSON file in UTF-8.")) from None
    if not isinstance(found, _Pairs):
        raise UnreadableMap(message("The file has no models by name. Is it LiteLLM’s price map?"))
    return found


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object in their order."""


def _refuse(_: str) -> NoReturn:
    raise ValueError


def _is_paid(entry: Any) -> bool:
    """Return whether a model has a price per token, or is something else than a model, which is wrong."""
    return not isinstance(entry, _Pairs) or any(name in {_PROMPT, _COMPLETION} for name, _ in entry)


def _row(name: str, entry: Any, rate: ExchangeRate, *, is_twice: bool) -> MapRow:
    shown = clip_line(name, LONGEST_PATTERN)
    try:
        model = clean_pattern(name)
        if not is_exact(model):
            raise InvalidValue(message("The name of a model has no * and no ?."))
        if is_twice:
            raise InvalidValue(message("The file has this model twice."))
        if not isinstance(entry, _Pairs):
            raise InvalidValue(message("The model has no prices by name."))
        return MapRow(model, _rates(dict(entry), rate))
    except InvalidValue as error:
        return MapRow(shown, problem=error.sentence)


def _rates(entry: Mapping[str, Any], rate: ExchangeRate) -> Rates:
    if entry.get(_PROMPT) is None:
        raise InvalidValue(message("The price of prompt tokens is missing."))
    prompt = _per_million(entry, _PROMPT, rate)
    completion = Decimal(0) if entry.get(_COMPLETION) is None else _per_million(entry, _COMPLETION, rate)
    cached = prompt if entry.get(_CACHED) is None else _per_million(entry, _CACHED, rate)
    rates = Rates(prompt, completion, cached)
    check_rates(rates)
    return rates


def _per_million(entry: Mapping[str, Any], field: str, rate: ExchangeRate) -> Decimal:
    """Return EUR per million tokens for USD per token. Raises InvalidValue."""
    value = entry[field]
    if type(value) not in {int, Decimal}:
        raise InvalidValue(message("{field} is not a number.", field=field))
    usd = Decimal(value)
    if not 0 <= usd <= 1000 or len(usd.as_tuple().digits) > _MOST_DIGITS:
        raise InvalidValue(message("{field} is out of bounds.", field=field))
    amount = _EXACT.multiply(_EXACT.multiply(usd, Decimal(MILLION)), rate.eur)
    return _plain(amount.quantize(_FINEST, ROUND_HALF_UP, _EXACT))


def _plain(value: Decimal) -> Decimal:
    """Return a number without zeros at the end of its decimals."""
    whole = value.to_integral_value()
    return whole if whole == value else value.normalize(_EXACT)
