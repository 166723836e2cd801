"""Update `portal/words/locale/de.po` from the sentences in the code: `make words`.

New sentences are added with an empty translation, sentences that are no longer in the code are deleted, translations
stay. The file has no line numbers, dates or wrapped lines and is sorted, so that branches rarely conflict in it.
"""

import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
GERMAN = ROOT / "portal" / "words" / "locale" / "de.po"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
KEYWORDS = {
    "_": None,
    "markup": None,
    "message": None,
    "plural": (1, 2),
    "plural_message": (1, 2),
    "context": ((1, "c"), 2),
    "context_message": ((1, "c"), 2),
    "context_plural_message": ((1, "c"), 2, 3),
}
HEADER = """\
# The German sentences of MoE Portal; `make words` updates their keys.
msgid ""
msgstr ""
"Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""


def extracted(directory: Path = ROOT / "portal") -> Catalog:
    """Return a catalogue of the sentences in the code, without translations."""
    found = Catalog()
    for _, _, text, _, meaning in _sentences(directory):
        found.add(text, context=meaning)
    return found


def _sentences(directory: Path) -> Iterator[tuple[str, int, str | tuple[str, ...], list[str], str | None]]:
    return extract_from_dir(directory, METHODS, {"**": {"silent": "false"}}, KEYWORDS)


def updated(text: str, code: Catalog) -> str:
    """Return the text of a catalogue with exactly the sentences of the code."""
    catalog = read_po(BytesIO((text or HEADER).encode()), "de", abort_invalid=True)
    catalog.update(code, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    written = BytesIO()
    write_po(written, catalog, width=0, no_location=True, omit_header=True, sort_output=True)
    return HEADER + written.getvalue().decode().strip() + "\n"


def main() -> int:
    """Update the file and list the sentences without German."""
    text = GERMAN.read_text(encoding="utf-8") if GERMAN.exists() else ""
    new = updated(text, extracted())
    GERMAN.write_text(new, encoding="utf-8")
    missing = [m.id for m in read_po(BytesIO(new.encode()), "de") if m.id and not all(_parts(m.string))]
    for each in missing:
        sys.stdout.write(f"no German yet: {each}\n")
    return 0


def _parts(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (text or "",)


if __name__ == "__main__":
    sys.exit(main())
