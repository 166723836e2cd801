"""A pseudo-locale in place of German: it writes each sentence of the catalogue in ⟦brackets⟧.

Text without brackets is not in the catalogue. As a program, this module is `portal serve` with the pseudo-locale for
German.
"""

import re
from gettext import NullTranslations

from babel import Locale

from portal import words
from portal.words.catalogues import catalogue

PSEUDO = "de"
"""The language that it replaces: people choose it, and browsers ask for it, in the same way."""

_GERMAN = Locale("de", "DE")
_DATES = {
    name.rstrip(".")
    for names in (_GERMAN.months, _GERMAN.days)
    for widths in names.values()
    for width in ("wide", "abbreviated", "short")
    for name in widths.get(width, {}).values()
}
_UNITS = {"EUR", "Mio", "Mrd", "Bio", "Tsd", "UTC", "Minute", "Minuten", "Stunde", "Stunden", "Tag", "Tage"}
_PRODUCT = {"MoE Portal", "English", "Deutsch"}
"""Names that are the same in every language."""


class Pseudo(NullTranslations):
    """Writes each sentence in brackets."""

    def gettext(self, message: str) -> str:
        """Return the sentence in brackets."""
        return f"⟦{message}⟧"

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        """Return the form for the count in brackets."""
        return self.gettext(msgid1 if n == 1 else msgid2)

    def pgettext(self, context: str, message: str) -> str:  # gettext's signature
        """Return the sentence in brackets."""
        return self.gettext(message)

    def npgettext(self, context: str, msgid1: str, msgid2: str, n: int) -> str:  # as above
        """Return the form for the count in brackets."""
        return self.ngettext(msgid1, msgid2, n)


def pseudo_catalogue(language: str) -> NullTranslations:
    """Return the pseudo-locale for German, the real catalogue for other languages."""
    return Pseudo() if language == PSEUDO else catalogue(language)


def leak(text: str, data: str = "") -> str:
    """Return the text if words in it are in no bracket and are neither date, unit nor `data` (a regular expression)."""
    rest = outside_brackets(text)
    for known in (*_PRODUCT, data):
        rest = re.sub(known, " ", rest) if known else rest
    words_left = [word for word in re.findall(r"[^\W\d_]{2,}", rest) if word not in _DATES | _UNITS]
    return text.strip() if words_left else ""


def outside_brackets(text: str) -> str:
    """Return the text with spaces in place of brackets and their content; brackets may be nested."""
    depth, rest = 0, []
    for character in text:
        depth += {"⟦": 1, "⟧": -1}.get(character, 0)
        rest.append(character if depth == 0 and character != "⟧" else " ")
    return "".join(rest)


if __name__ == "__main__":
    from portal.cli import app

    vars(words)["catalogue"] = pseudo_catalogue
    app(["serve"], prog_name="portal")
