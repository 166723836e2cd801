"""The mail with the answer to a request for more tokens."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from portal.mails.content import Content, Letter, formats_of, written
from portal.rules.messages import Message, message
from portal.rules.periods import Period
from portal.words.labels import BUDGETS

_WHY = message("You get this mail because you have asked for more tokens on your dashboard.")


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """The request, and its answer: the `granted` tokens until `ends_at`, or None for a declined request."""

    period: Period
    asked: int
    granted: int | None
    ends_at: datetime | None
    answer: str


def answer_mail(facts: AnswerFacts, base_url: str, display_name: str, language: str, zone: ZoneInfo) -> Content:
    """Return the mail about a decided request; without a `base_url` it has no link."""
    portal, is_approved = base_url.rstrip("/"), facts.granted is not None
    letter = Letter(
        subject=_APPROVED if is_approved else _DECLINED,
        paragraphs=(_sentence(facts), *((Message(facts.answer),) if facts.answer else ())),
        facts=_figures(facts, language, zone),
        button=message("Open Dashboard"),
        link=f"{portal}/user/dashboard" if portal else "",
        reason=_WHY,
    )
    return written(letter, display_name, language)


_APPROVED = message("Your request for more tokens was approved")
_DECLINED = message("Your request for more tokens was declined")


def _sentence(facts: AnswerFacts) -> Message:
    if facts.granted is None:
        return message("your request for more tokens was declined.")
    return message("your request for more tokens was approved. They are added to your limit at once.")


def _figures(facts: AnswerFacts, language: str, zone: ZoneInfo) -> tuple[tuple[Message, Message | str], ...]:
    rows: list[tuple[Message, Message | str]] = [
        (message("Budget"), BUDGETS[facts.period]),
        (message("You asked for"), message("{tokens} billable", tokens=facts.asked)),
    ]
    if facts.granted is not None and facts.ends_at is not None:
        rows.append((message("You get"), message("{tokens} billable", tokens=facts.granted)))
        rows.append((message("Until"), formats_of(language, zone).full_moment(facts.ends_at)))
    return tuple(rows)
