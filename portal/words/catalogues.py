"""The catalogues of sentences, each read from its .po file when it is first needed; the server reads them first."""

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
    """Return the catalogue of a language; an empty one, which gives the English of the code, if there is no file."""
    if language not in TRANSLATED:
        return NullTranslations()
    compiled = BytesIO()
    with (LOCALE / f"{language}.po").open("rb") as text:
        write_mo(compiled, read_po(text, language, abort_invalid=True))
    compiled.seek(0)
    return GNUTranslations(compiled)


def read_catalogues() -> None:
    """Read all catalogues now: it takes a tenth of a second, in which a server would answer nobody."""
    for language in TRANSLATED:
        catalogue(language)
