"""The German catalogue is complete and agrees with the code."""

import ast
import re
from collections.abc import Iterator
from string import Formatter

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

from scripts.update_words import GERMAN, KEYWORDS, ROOT, extracted, updated


def german() -> Catalog:
    with GERMAN.open("rb") as file:
        return read_po(file, "de")


ENTRIES = [entry for entry in german() if entry.id]


def forms(text: object) -> list[str]:
    """Return the texts of an entry: one, or one for each plural form."""
    return [text] if isinstance(text, str) else list(text or [])  # type: ignore[call-overload]


def names(text: str) -> set[str]:
    """Return the names of the placeholders in a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_catalogue_agrees_with_the_code() -> None:
    text = GERMAN.read_text(encoding="utf-8")
    assert updated(text, extracted()) == text, "run `make words`, then write the German of each new sentence"


def marked() -> Iterator[tuple[str, str]]:
    """Return the place and text of each literal that is passed to a function of `portal.words`."""
    for file in sorted((ROOT / "portal").rglob("*.py")):
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in KEYWORDS:
                place = f"{file.relative_to(ROOT)}:{call.lineno}"
                yield from ((place, text) for text in map(literal, call.args) if text is not None)


def literal(argument: ast.expr) -> str | None:
    is_text = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return argument.value if is_text else None  # type: ignore[attr-defined]


def test_extraction_overlooks_no_sentence() -> None:
    """Babel overlooks a call inside an f-string, or inside the arguments of another call."""
    known = {text for entry in extracted() for text in (*forms(entry.id), entry.context)}
    assert [(place, text) for place, text in marked() if text not in known] == []


def test_every_sentence_has_its_german() -> None:
    assert [entry.id for entry in ENTRIES if not all(forms(entry.string))] == []


def test_no_entry_is_fuzzy_or_obsolete() -> None:
    catalog = german()
    assert [entry.id for entry in catalog if entry.id and entry.fuzzy] == []
    assert list(catalog.obsolete) == []


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if "{" in str(entry.id)], ids=lambda entry: str(entry.id))
def test_placeholders_agree(entry: Message) -> None:
    """Check all forms; the singular may leave out the count."""
    known = set().union(*map(names, forms(entry.id)))
    for text in forms(entry.string):
        assert known - {"count"} <= names(text) <= known


@pytest.mark.parametrize("entry", [entry for entry in ENTRIES if entry.pluralizable], ids=lambda entry: str(entry.id))
def test_german_has_two_forms(entry: Message) -> None:
    assert len(forms(entry.string)) == 2
    assert "{count}" in forms(entry.string)[1]


def test_german_quotes_and_dashes_are_typographic() -> None:
    texts = [text for entry in ENTRIES for text in forms(entry.string)]
    assert [text for text in texts if re.search(r"[\"'“]\w|\w[\"']|\w-- | - ", text)] == []


def test_new_sentence_is_added_and_stale_one_removed() -> None:
    code = Catalog()
    code.add("New sentence")
    old = 'msgid "Stale sentence"\nmsgstr "Alter Satz"\n'
    assert updated(updated("", code), code) == updated("", code)
    assert 'msgid "New sentence"\nmsgstr ""' in updated(old, code)
    assert "Stale" not in updated(old, code)
