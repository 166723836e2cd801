"""Mails made from templates: `<name>.<language>.txt`, which begins with the subject, and `<name>.<language>.html`."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal

from portal.rules.text import clip_line
from portal.words.templates import template_environment

LONGEST_SUBJECT = 200
_LOCALES = {"en": Locale("en", "GB"), "de": Locale("de", "DE")}
_MOMENTS = {"en": "d MMMM y 'at' HH:mm", "de": "d. MMMM y 'um' HH:mm 'Uhr'"}

_templates = template_environment(Path(__file__).parent / "templates")


class Content(NamedTuple):
    """What a mail says: a subject of one line, and the same once as text and once as HTML."""

    subject: str
    text: str
    html: str


def written(name: str, language: str, **values: object) -> Content:
    """Return the mail of a name in a language; any that is not spoken here is English."""
    spoken = language if language in _LOCALES else "en"
    values = {**values, **_formats(spoken), "language": spoken}
    subject, _, text = _templates.get_template(f"{name}.{spoken}.txt").render(values).partition("\n\n")
    line = clip_line(subject, LONGEST_SUBJECT)
    html = _templates.get_template(f"{name}.{spoken}.html").render(values, subject=line)
    return Content(line, text, html)


def _formats(language: str) -> dict[str, Callable[..., str]]:
    """Return what templates write figures and times with."""
    locale = _LOCALES[language]

    def number(value: int) -> str:
        return str(format_decimal(value, locale=locale))

    def day(value: date) -> str:
        return format_date(value, "long", locale=locale)

    def month(value: date) -> str:
        return format_date(value, "LLLL y", locale=locale)

    def moment(value: datetime, zone: ZoneInfo) -> str:
        local = format_datetime(value.astimezone(zone), _MOMENTS[language], locale=locale)
        return f"{local} ({zone.key.replace('_', ' ')})"

    return {"number": number, "day": day, "month": month, "moment": moment}
