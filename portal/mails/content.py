"""Builds mails from one pair of templates: `mail.txt` and `mail.html` write a `Letter` in the reader's language."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from portal.rules.messages import Message
from portal.rules.spending.budgets import Level
from portal.rules.text import clip_line
from portal.words import say, speaking
from portal.words.formats import Formats
from portal.words.locales import locale_of
from portal.words.templates import template_environment

LONGEST_SUBJECT = 200

_templates = template_environment(Path(__file__).parent / "templates")


class Content(NamedTuple):
    """A mail that is ready to send: a subject of one line, and the same content as text and as HTML."""

    subject: str
    text: str
    html: str


class Bar(NamedTuple):
    """How much of a budget is used: the filled part in percent, and the level that gives the colour."""

    filled: int
    level: Level


@dataclass(frozen=True, slots=True)
class Letter:
    """The sentences of a mail; `reason` says why somebody gets it.

    `button` is the text of a link to the portal, shown if `link` is not empty; `below` is small text under it.
    """

    subject: Message
    paragraphs: tuple[Message, ...]
    reason: Message
    button: Message | None = None
    link: str = ""
    below: tuple[Message, ...] = ()
    facts: tuple[tuple[Message, Message | str], ...] = ()
    bar: Bar | None = None


def formats_of(language: str, zone: ZoneInfo) -> Formats:
    """Return the formats of numbers, dates and times for a mail in a language and a time zone."""
    return Formats(locale_of(language), zone, zone)


def written(letter: Letter, display_name: str, language: str) -> Content:
    """Return a mail written in a language; in English if the portal does not have that language."""
    with speaking(language):
        subject = clip_line(say(letter.subject), LONGEST_SUBJECT)
        values = {"letter": letter, "subject": subject, "name": display_name}
        values["language"] = locale_of(language).language
        text, html = (_templates.get_template(name).render(values) for name in ("mail.txt", "mail.html"))
    return Content(subject, text, html)


def brief(letter: Letter, language: str) -> tuple[str, str]:
    """Return a letter as a title and a plain text, for chats; the text ends with the link."""
    with speaking(language):
        title = clip_line(say(letter.subject), LONGEST_SUBJECT)
        sentences = [say(paragraph) for paragraph in letter.paragraphs]
    text = "\n".join(sentence[:1].upper() + sentence[1:] for sentence in sentences)
    return title, f"{text}\n{letter.link}" if letter.link else text
