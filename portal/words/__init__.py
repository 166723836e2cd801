"""The words that people read, in English and German.

The English sentence in the code is the key (gettext's msgid), `locale/de.po` has the German for it. After a sentence
was added or changed, `make words` updates that file; the German is then written into it by hand.

    from portal.words import _, context, plural, say
    from portal.rules.messages import context_message, context_plural_message, message, plural_message

    _("Save")                                              now, in the reader's language
    _("Key {label} was revoked.", label=key.label)         values by name; never an f-string, never "+"
    plural("{count} request", "{count} requests", n)       the number is {count}, written with separators
    context("verb", "Open")                                where one English word is two German ones
    TITLE = message("Usage History")                       later: constants, columns, errors, rules, tables by enum
    say(TITLE)                                             … and there it is written
    context_plural_message("after in", "{count} day", …)   a count where German needs another case
    {{ _("Save") }}  {{ plural(…) }}  {{ TITLE }}          the same in templates; a Message is written by itself
    {{ markup("Or {link}.", link=…) }}                     in templates, where a value is HTML
    _("of {limit} billable").partition("{limit}")          on a page, where a value has an element of its own

Whole numbers as values get separators of thousands: pass years and ids as text. Other numbers, amounts, days and times
are written by `portal.words.formats.Formats` first. One sentence is one text: no sentence is put together from parts,
since the order differs between languages. `str(message)` is English, for programs, logs and the command line.

The language is that of the mail or form (`with speaking(language)`), else the one of the page that is being built or
changed (the pages register how to find it), else English. Work on a thread (views, actions) is nobody's page: it
returns a `Message` or a code, and the page writes it.

German: polite form ("Sie"), as people in the field write it; „…“ for quotes, "–" for dashes, no-break space before %
and units. Short imperatives on buttons are infinitives: "Speichern", "Schlüssel anlegen".

    account Konto             alert Warnung             administrator Administrator      API key API-Schlüssel
    billable tokens abrechenbare Token    billing Abrechnung    budget Kontingent   consumed verbraucht
    cost Kosten               cost factor Kostenfaktor  dashboard Übersicht              event Ereignis
    expert template Vorlage   expires läuft ab          forecast Prognose                gateway Gateway
    input/output Eingabe/Ausgabe    limit Limit         mail Mail                        mode Modus
    note Notiz                notification Benachrichtigung    one-time Einmalig         price Preis
    profile Profil            raw roh                   remaining verbleibend            request Anfrage
    resets wird zurückgesetzt, Zurücksetzung            revoke widerrufen                session Sitzung
    sign in/out anmelden/abmelden   subscription Abonnement    suspended gesperrt        threshold Schwelle
    token Token               usage Verbrauch           Usage History Verbrauchsverlauf   used up aufgebraucht
    user name Benutzername
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from portal.rules.messages import Message, context_message, fill, is_count, message, plural_message
from portal.words.catalogues import catalogue
from portal.words.locales import grouped

__all__ = ["_", "context", "current_language", "find_language_with", "plural", "say", "speaking"]

ENGLISH = "en"

_spoken: ContextVar[str | None] = ContextVar("spoken", default=None)
_finders: list[Callable[[], str | None]] = []


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Write all sentences inside this context in `language`."""
    before = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(before)


def find_language_with(finder: Callable[[], str | None]) -> None:
    """Use `finder` for the language outside `speaking`; it returns None if it does not know the language."""
    _finders[:] = [finder]


def current_language() -> str:
    """Return the code of the language of sentences that are written now."""
    return _spoken.get() or next((found for finder in _finders if (found := finder())), ENGLISH)


def say(sentence: Message | str, language: str | None = None) -> str:
    """Write a sentence in `language`, by default the reader's; a plain text is returned unchanged."""
    return sentence if isinstance(sentence, str) else _written(sentence, language or current_language())


def _(text: str, /, **values: object) -> str:
    """Write a sentence in the reader's language."""
    return say(message(text, **values))


def plural(one: str, several: str, count: int, /, **values: object) -> str:
    """Write the singular or plural sentence for a count, which is its value `{count}`."""
    return say(plural_message(one, several, count, **values))


def context(meaning: str, text: str, /, **values: object) -> str:
    """Write a sentence if its English text also has another meaning elsewhere."""
    return say(context_message(meaning, text, **values))


def _written(sentence: Message, language: str) -> str:
    return fill(_translated(sentence, language), {name: _value(value, language) for name, value in sentence.values})


def _translated(sentence: Message, language: str) -> str:
    known = catalogue(language)
    if sentence.plural and sentence.context:
        return known.npgettext(sentence.context, sentence.text, sentence.plural, sentence.count)
    if sentence.plural:
        return known.ngettext(sentence.text, sentence.plural, sentence.count)
    if sentence.context:
        return known.pgettext(sentence.context, sentence.text)
    return known.gettext(sentence.text) if sentence.text else ""  # the header of a catalogue is under ""


def _value(value: object, language: str) -> object:
    if isinstance(value, Message):
        return _written(value, language)
    return grouped(value, language) if isinstance(value, int) and is_count(value) else value
