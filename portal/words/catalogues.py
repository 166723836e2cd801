"""The catalogues of sentences: read from their text, once, when the first sentence is written in a language."""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
TRANSLATED = frozenset(file.stem for file in LOCALE.glob("*.po"))


@cache
def catalogue(language: str) -> NullTranslations:
    """Return the sentences of a language; English, which is in the code, for one without a catalogue."""
    if language not in TRANSLATED:
        return NullTranslations()
    compiled = BytesIO()
    with (LOCALE / f"{language}.po").open("rb") as text:
        write_mo(compiled, read_po(text, language, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)
