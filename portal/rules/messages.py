"""Sentences as values: rules, errors and views return them, pages and mails write them.

Decision: a rule puts the problem and its values into a `Message`; `portal.words` writes it in the language of the
reader. Programs, logs and the command line get English, which is `str(message)`.
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
    """The text for all counts except 1; empty if nothing is counted."""
    count: int = 1
    context: str = ""
    """Distinguishes this text from an equal text with another meaning (gettext's msgctxt)."""

    def __str__(self) -> str:
        """Return the sentence in English."""
        text = self.plural if self.plural and self.count != 1 else self.text
        return fill(text, {name: f"{v:,}" if is_count(v) else v for name, v in self.values})


def message(text: str, /, **values: object) -> Message:
    """Return a sentence that is written later; `make words` finds its text."""
    return Message(text, tuple(values.items()))


def plural_message(one: str, several: str, count: int, /, **values: object) -> Message:
    """Return a sentence that depends on a count, which is its value `{count}`."""
    return Message(one, (("count", count), *values.items()), several, count)


def context_message(context: str, text: str, /, **values: object) -> Message:
    """Return a sentence with an English text that has another meaning elsewhere; `context` names the meaning here."""
    return Message(text, tuple(values.items()), context=context)


def context_plural_message(context: str, one: str, several: str, count: int, /, **values: object) -> Message:
    """Return a sentence that depends on a count, and has another meaning or another German case elsewhere."""
    return Message(one, (("count", count), *values.items()), several, count, context)


def fill(text: str, values: dict[str, object]) -> str:
    """Return a text with values for its placeholders; without values, braces in the text stay."""
    return text.format(**values) if values else text


def is_count(value: object) -> bool:
    """Return whether a value is a whole number, written with separators of thousands."""
    return isinstance(value, int) and not isinstance(value, bool)


class InvalidValue(ValueError):
    """A value is not accepted; `sentence` tells the person who entered it why."""

    def __init__(self, sentence: Message) -> None:
        """Keep the sentence; `str()` of the error returns it in English."""
        super().__init__(str(sentence))
        self.sentence = sentence
