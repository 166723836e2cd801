"""Sentences as values: what rules, errors and views hand to whoever writes for people.

Decision: a rule names the problem and its values in a `Message`; `portal.words` writes it in the language of
the person who reads it. Programs, logs and the command line read English, which is `str(message)`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence in English, gettext's msgid, and the values of its `{placeholders}`.

    Whole numbers are written with separators of thousands; pass text for years and ids. A value may be a `Message`.
    """

    text: str
    values: tuple[tuple[str, object], ...] = ()
    plural: str = ""
    """The text for all counts but 1; empty where nothing is counted."""
    count: int = 1
    context: str = ""
    """What tells this text from an equal one with another meaning."""

    def __str__(self) -> str:
        """Write it in English."""
        text = self.plural if self.plural and self.count != 1 else self.text
        return fill(text, {name: f"{v:,}" if is_count(v) else v for name, v in self.values})


def message(text: str, /, **values: object) -> Message:
    """Return a sentence that is written later; `make words` finds its text."""
    return Message(text, tuple(values.items()))


def plural_message(one: str, several: str, count: int, /, **values: object) -> Message:
    """Return a sentence that depends on a count, which is its value `{count}`."""
    return Message(one, (("count", count), *values.items()), several, count)


def context_message(context: str, text: str, /, **values: object) -> Message:
    """Return a sentence of which the English text has another meaning elsewhere; `context` says which it is here."""
    return Message(text, tuple(values.items()), context=context)


def context_plural_message(context: str, one: str, several: str, count: int, /, **values: object) -> Message:
    """Return a sentence that depends on a count and has another meaning, or another case in German, elsewhere."""
    return Message(one, (("count", count), *values.items()), several, count, context)


def fill(text: str, values: dict[str, object]) -> str:
    """Put values in the places of their names; a text without values may have braces of its own."""
    return text.format(**values) if values else text


def is_count(value: object) -> bool:
    """Say whether a value is written with separators of thousands."""
    return isinstance(value, int) and not isinstance(value, bool)


class InvalidValue(ValueError):
    """A value cannot be taken; `sentence` says why to the person who entered it."""

    def __init__(self, sentence: Message) -> None:
        """Keep the sentence; `str()` of the error is it in English."""
        super().__init__(str(sentence))
        self.sentence = sentence
