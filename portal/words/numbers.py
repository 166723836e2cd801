"""Reading the numbers that people type, as their language writes them."""

import re
from decimal import Decimal

from babel.numbers import get_group_symbol

from portal.rules.messages import InvalidValue, message
from portal.words.locales import locale_of

_SPACES = re.compile(r"[\s'’_]")
_PRICE = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,30}))?")
_LONGEST = 40


def read_limit(text: str, language: str) -> int | None:
    """Return a limit in tokens: 1,000,000 or 1000000; None for no text. Raises InvalidValue.

    Separators of thousands are those of the language, spaces and apostrophes; each has three digits after it.
    """
    if not _SPACES.sub("", text[:_LONGEST]):
        return None
    number = _whole(text, language)
    if number is None:
        raise InvalidValue(message("Write a whole number such as {example}, or nothing for no limit.", example=10**6))
    return number


def read_tokens(text: str, language: str) -> int:
    """Return a number of tokens, written as a limit is. Raises InvalidValue, also for no text."""
    number = _whole(text, language)
    if number is None:
        raise InvalidValue(message("Write a whole number such as {example}.", example=10**6))
    return number


def read_price(text: str) -> Decimal:
    """Return a price in EUR per token: 0.00002 or 0,00002. Raises InvalidValue.

    Prices are far below 1,000 EUR, so a point and a comma both begin the decimals.
    """
    found = _PRICE.fullmatch(_SPACES.sub("", text[:_LONGEST]).removesuffix("€").removesuffix("EUR").removeprefix("€"))
    if found is None:
        raise InvalidValue(message("Write an amount in EUR such as {example}.", example="0.00002"))
    return Decimal(f"{found[1]}.{found[2] or 0}")


def _whole(text: str, language: str) -> int | None:
    """Return a whole number; None for any other text."""
    digits = _SPACES.sub("", text[:_LONGEST])
    group = re.escape(get_group_symbol(locale_of(language)))
    is_whole = re.fullmatch(rf"[0-9]{{1,20}}|[0-9]{{1,3}}(?:{group}[0-9]{{3}}){{1,6}}", digits)
    return int(re.sub(group, "", digits)) if is_whole else None
