"""Roles of accounts, and what people choose for themselves: language and theme."""

from enum import StrEnum

LOCAL = "local"
"""The user name of the person of the desktop program."""


class Role(StrEnum):
    """Rights of an account."""

    USER = "user"
    EXPERT = "expert"
    ADMIN = "admin"


class Language(StrEnum):
    """The language of pages and mails, and of the numbers and dates in them."""

    ENGLISH = "en"
    GERMAN = "de"


class Theme(StrEnum):
    """Colours of the pages."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


def preferred_language(accepted: str) -> Language:
    """Return the language that a browser prefers, from its `Accept-Language` (RFC 9110, 12.5.4), or English."""
    wishes = []
    for wish in accepted[:1000].lower().split(","):
        name, _, parameter = wish.partition(";")
        wishes.append((-_quality(parameter), name.strip().partition("-")[0]))
    known = [name for quality, name in sorted(wishes, key=lambda wish: wish[0]) if quality and name in set(Language)]
    return Language(known[0]) if known else Language.ENGLISH


def _quality(parameter: str) -> float:
    """Return the weight of a language, 0 to 1: 0.8 for `q=0.8`, 1 without a weight, 0 if it is not a number."""
    name, _, value = parameter.strip().partition("=")
    try:
        return max(0.0, min(float(value), 1.0)) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
