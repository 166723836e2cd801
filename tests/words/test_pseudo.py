"""The pseudo-locale finds text that is not in the catalogue: in mails and errors here, on pages in tests/browser."""

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal import errors, words
from portal.errors import PortalError
from portal.mails import Content, CrossingFacts, account, crossing_mail
from portal.rules.messages import InvalidValue, message, plural_message
from portal.rules.periods import Period
from portal.rules.spending.alerts import CrossingKind
from portal.words import say, speaking
from tests.cast import NOW
from tests.words.pseudo import PSEUDO, leak, pseudo_catalogue

PORTAL = Path(errors.__file__).parent
READ_BY_PEOPLE = [PORTAL / name for name in ("actions", "pages", "rules", "views", "web")]
"""Packages that raise errors for people on pages; other errors are for programs and operators."""


@pytest.fixture(autouse=True)
def pseudo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(words, "catalogue", pseudo_catalogue)
    with speaking(PSEUDO):
        yield


def subclasses(kind: type[Exception]) -> Iterator[type[Any]]:
    for each in type.__subclasses__(kind):
        yield each
        yield from subclasses(each)


ERRORS = sorted({each for each in subclasses(PortalError) if "sentence" in vars(each)}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("error", ERRORS, ids=lambda kind: kind.__name__)
def test_default_sentence_of_an_error_is_in_the_catalogue(error: type[PortalError]) -> None:
    assert leak(say(error.sentence)) == ""
    assert leak(str(error.sentence)) != ""


def raised_texts(file: Path) -> Iterator[str]:
    """Yield the places where an error is raised with a text in place of a `message`."""
    kinds = {kind.__name__ for kind in (*subclasses(PortalError), *subclasses(InvalidValue), PortalError)}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            texts = [arg for arg in node.args[:1] if isinstance(arg, (ast.Constant, ast.JoinedStr))]
            yield from (f"{file.relative_to(PORTAL)}:{text.lineno}" for text in texts)


def test_errors_that_people_see_are_raised_with_messages() -> None:
    files = [file for directory in READ_BY_PEOPLE for file in sorted(directory.rglob("*.py"))]
    assert [place for file in files for place in raised_texts(file)] == []


LINK, BERLIN = "https://portal.example.org/user/reset-password?token=abc", ZoneInfo("Europe/Berlin")
CROSSING = CrossingFacts(
    period=Period.DAILY,
    start=date(2026, 11, 22),
    kind=CrossingKind.THRESHOLD,
    consumed=1_234_500,
    limit=1_450_000,
    resets_at=NOW,
    display_name="Alice",
    language=PSEUDO,
    zone=BERLIN,
)
PERIODS: list[dict[str, Any]] = [
    {"period": period, "resets_at": None if period is Period.TOTAL else NOW} for period in Period
]
STATES: list[dict[str, Any]] = [
    {"consumed": consumed, "kind": kind} for consumed in (9, 10**7) for kind in CrossingKind
]


def every_mail() -> Iterator[Content]:
    yield account.reset_mail("Alice", PSEUDO, LINK, 30)
    yield account.password_changed_mail("Alice", PSEUDO, NOW, BERLIN)
    yield account.email_changed_mail("Alice", PSEUDO, NOW, BERLIN)
    yield account.test_mail("Alice", PSEUDO, "https://portal.example.org")
    for period in PERIODS:
        yield from (crossing_mail(replace(CROSSING, **period, **state), LINK) for state in STATES)


def test_mails_are_in_the_catalogue() -> None:
    mails = list(every_mail())
    assert len(mails) == 4 + len(PERIODS) * len(STATES)
    for mail in mails:
        shown = re.sub(r"<style>.*?</style>|<[^>]+>", "\n", mail.html, flags=re.DOTALL)
        for line in (mail.subject, *mail.text.splitlines(), *shown.splitlines()):
            assert leak(line, r"https?://\S+|&nbsp;") == ""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(say(message("Save")), True, id="English"),
        pytest.param("⟦Save⟧", False, id="a sentence"),
        pytest.param("⟦a ⟦b⟧ c⟧ – 1.234,5 Mio.", False, id="nested, and a number"),
        pytest.param("Heute ⟦b⟧", True, id="a word before it"),
        pytest.param("Fr. 27. Nov. 2026, 14:05 Europe/Berlin", False, id="a date"),
        pytest.param("alice", False, id="data"),
        pytest.param("MoE Portal", False, id="the product"),
    ],
)
def test_leak_is_found(text: str, found: bool) -> None:
    assert bool(leak(text, "alice|Europe/Berlin")) is found


def test_plural_and_values_stay_inside() -> None:
    assert say(plural_message("{count} key", "{count} keys", 2_000)) == "⟦2.000 keys⟧"
    assert say(message("{a} and {b}", a=message("x"), b="y")) == "⟦⟦x⟧ and y⟧"
