"""Sentences in the language of their reader."""

import asyncio
from collections.abc import Iterator
from contextvars import Context
from gettext import GNUTranslations
from io import BytesIO

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from markupsafe import Markup

from portal import words
from portal.rules.messages import context_message, message, plural_message
from portal.words import _, context, current_language, find_language_with, plural, say, speaking
from portal.words.catalogues import catalogue
from portal.words.templates import markup

KEYS = plural_message("{count} key of {name}", "{count} keys of {name}", 1_234, name="Ada")


@pytest.fixture(autouse=True)
def small_catalogue(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Replace the German catalogue by one with a few sentences."""
    german = Catalog("de")
    german.add("Save", "Speichern")
    german.add("Hello {name}", "Guten Tag {name}")
    german.add(("{count} key of {name}", "{count} keys of {name}"), ("ein Schlüssel", "{count} Schlüssel von {name}"))
    german.add("Open", "öffnen", context="verb")
    german.add("Open", "offen", context="state")
    german.add("The <b>{link}</b>", "Der <b>{link}</b>")
    compiled = BytesIO()
    write_mo(compiled, german)
    compiled.seek(0)
    known = {"de": GNUTranslations(compiled)}
    monkeypatch.setattr(words, "catalogue", lambda language: known.get(language, catalogue("en")))
    monkeypatch.setattr(words, "_finders", [])
    with speaking("de"):
        yield


def test_sentence_is_written_in_the_current_language() -> None:
    assert _("Save") == "Speichern"
    assert _("Hello {name}", name="{name}") == "Guten Tag {name}"
    with speaking("en"):
        assert _("Save") == "Save"


def test_unknown_sentence_and_language_are_english() -> None:
    assert _("Not translated yet {count}", count=1_000) == "Not translated yet 1.000"
    with speaking("fr"):
        assert _("Save") == "Save"
        assert plural("{count} day", "{count} days", 2_000) == "2,000 days"


def test_count_chooses_the_form_and_is_grouped() -> None:
    assert say(KEYS) == "1.234 Schlüssel von Ada"
    assert plural("{count} key of {name}", "{count} keys of {name}", 1, name="Ada") == "ein Schlüssel"
    assert str(KEYS) == "1,234 keys of Ada"
    assert str(plural_message("one key", "{count} keys", 1)) == "one key"


def test_context_distinguishes_equal_texts() -> None:
    assert (context("verb", "Open"), say(context_message("state", "Open"))) == ("öffnen", "offen")
    assert str(context_message("state", "Open")) == "Open"


def test_message_within_a_message_is_written_too() -> None:
    sentence = message("Hello {name}", name=message("Save"))
    assert (say(sentence), str(sentence)) == ("Guten Tag Speichern", "Hello Save")


def test_braces_stay_where_no_value_is_given() -> None:
    assert _("Send {}") == "Send {}"
    assert str(message("Send {}")) == "Send {}"
    assert say("plain {text}") == "plain {text}"
    assert _("") == ""


def test_message_is_a_value() -> None:
    assert message("Save") == message("Save")
    assert {message("Hello {name}", name="Ada"): 1}[message("Hello {name}", name="Ada")] == 1


def test_markup_escapes_values_but_not_html() -> None:
    assert markup("Hello {name}", name="<i>") == Markup("Guten Tag &lt;i&gt;")
    assert markup("Hello {name}", name=Markup("<i>A</i>")) == Markup("Guten Tag <i>A</i>")
    assert markup("Hello {name}", name=message("Save")) == Markup("Guten Tag Speichern")
    assert markup("The <b>{link}</b>", link="x") == Markup("Der &lt;b&gt;x&lt;/b&gt;")


def test_finder_gives_the_language_if_none_is_set() -> None:
    no_language = Context()
    assert no_language.run(current_language) == "en"
    find_language_with(lambda: "de")
    assert no_language.run(current_language) == "de"
    with speaking("en"):
        assert current_language() == "en"
    find_language_with(lambda: None)
    assert no_language.run(current_language) == "en"


async def test_concurrent_tasks_keep_their_languages() -> None:
    async def write(language: str) -> list[str]:
        found = []
        with speaking(language):
            for _turn in range(20):
                await asyncio.sleep(0)
                found.append(_("Save"))
        return found

    german, english = await asyncio.gather(write("de"), write("en"))
    assert (set(german), set(english)) == ({"Speichern"}, {"Save"})


def test_real_catalogue_is_read_once() -> None:
    assert catalogue("de") is catalogue("de")
    assert catalogue("de").gettext("The password") == "Das Passwort"
