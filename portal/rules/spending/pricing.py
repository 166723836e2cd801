"""Computes billable tokens from tokens, and costs from billable tokens or from the tokens of a model with own prices.

Rates are `Decimal`, amounts are whole numbers: tokens, and nano-euros (10⁻⁹ EUR). Each request is rounded once, half
up, so every sum of requests is exact.
"""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import reduce

from portal.rules.messages import InvalidValue, message

NANO = 10**9
"""Nano-euros in one EUR."""

FIRST_PRICE = Decimal("0.00002")
"""EUR per billable token until an administrator sets another price (source: the seed's TOKEN_PRICE_EUR)."""

MAX_PRICE = Decimal(1)
MAX_COST_FACTOR = Decimal(1000)
MAX_TOKENS = 10**9
"""Most prompt or completion tokens that one request may report: a thousand times the longest context that exists."""
MAX_COST = 10**14
"""Most nano-euros that one request may cost (100,000 EUR); the sum of 90,000 such requests fits into 64 bits."""

MAX_SUM = 2**62
"""Largest sum of tokens or nano-euros of an account: half of the largest 64-bit integer, since batches arrive at the
same time."""

_EXACT = Context(prec=60)
_FACTOR = re.compile(r"\d{1,4}(?:\.\d{1,30})?", re.ASCII)
_RATE = re.compile(r"\d{1,7}(?:\.\d{1,30})?", re.ASCII)
_NANO_PER_MILLION = Decimal(NANO // 10**6)
_FINEST_FACTOR = Decimal("1E-12")


def read_cost_factor(value: object) -> Decimal:
    """Return the exact cost factor in a number or a decimal text. Raises InvalidValue.

    A float is refused, since it is not exact.
    """
    if type(value) not in {int, Decimal} and not (isinstance(value, str) and _FACTOR.fullmatch(value)):
        raise InvalidValue(message("A cost factor is a number, or a number in quotes."))
    factor = Decimal(value)  # type: ignore[arg-type]  # checked above
    is_within = factor.is_finite() and 0 <= factor <= MAX_COST_FACTOR
    if not is_within or factor.quantize(_FINEST_FACTOR) != factor:
        raise InvalidValue(message("A cost factor lies between 0 and 1000, with at most 12 decimals."))
    return abs(factor)  # Decimal has a minus zero


def read_rate(text: str) -> Decimal:
    """Return the price in a decimal text with a point, such as `0.00003`. Raises InvalidValue."""
    if not _RATE.fullmatch(text):
        raise InvalidValue(message("A price is a decimal number, such as 0.00003."))
    return Decimal(text)


def is_rate(value: Decimal, most: Decimal) -> bool:
    """Return whether a price is from 0 to `most` and has at most 12 decimals."""
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and 0 <= value <= most and exponent >= -12  # NaN and infinity have a letter


def billable_tokens(total_tokens: int, cost_factor: Decimal) -> int:
    """Return total × cost factor, rounded half up to a whole token."""
    return _whole(_EXACT.multiply(Decimal(total_tokens), cost_factor))


def cost_nano_eur(billable: int, eur_per_token: Decimal) -> int:
    """Return the cost of `billable` tokens in whole nano-euros, rounded half up."""
    return _whole(_EXACT.multiply(Decimal(billable * NANO), eur_per_token))


def model_cost_nano_eur(tokens: Sequence[int], eur_per_million: Sequence[Decimal], cost_factor: Decimal) -> int:
    """Return Σ(tokens × EUR per million tokens) × cost factor in whole nano-euros, rounded half up once."""
    parts = (_EXACT.multiply(Decimal(count), rate) for count, rate in zip(tokens, eur_per_million, strict=True))
    amount = reduce(_EXACT.add, parts)
    return _whole(_EXACT.multiply(_EXACT.multiply(amount, cost_factor), _NANO_PER_MILLION))


def costs_at(eur_per_token: Decimal, tokens: int, requests: int, nano_eur: int) -> bool:
    """Return whether requests that cost `nano_eur` together can all have had this price.

    The cost of each was rounded to a whole nano-euro, so the sum may differ by half a nano-euro per request.
    """
    return abs(cost_nano_eur(tokens, eur_per_token) - nano_eur) <= requests


def average_price(tokens: int, nano_eur: int) -> Decimal:
    """Return the average EUR per token, with four significant digits; for people, never for sums."""
    return Context(prec=4).divide(eur(nano_eur), Decimal(tokens)) if tokens else Decimal(0)


def eur(nano_eur: int) -> Decimal:
    """Return nano-euros as an exact amount of EUR."""
    return Decimal(nano_eur).scaleb(-9, _EXACT)


def eur_text(nano_eur: int) -> str:
    """Return nano-euros as the exact decimal text of EUR, without zeros at the end beyond two decimals: `0.01486`."""
    whole, rest = divmod(abs(nano_eur), NANO)
    decimals = f"{rest:09d}".rstrip("0")
    return f"{'-' if nano_eur < 0 else ''}{whole}.{decimals:0<2}"


def shown_eur(nano_eur: int) -> Decimal:
    """Return the amount that pages show: two decimals; below one cent as many as needed, at most six."""
    amount = eur(nano_eur)
    if 0 < nano_eur < NANO // 100:
        fine = amount.quantize(Decimal("0.000001"), ROUND_HALF_UP, _EXACT).normalize(_EXACT)
        return fine if fine.as_tuple().exponent < -2 else fine.quantize(Decimal("0.01"))  # type: ignore[operator]  # finite
    return amount.quantize(Decimal("0.01"), ROUND_HALF_UP, _EXACT)


def _whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))
