"""How long a mail is tried, and how often."""

from datetime import timedelta

import pytest

from portal.rules.mails import is_too_late, pause
from tests.cast import NOW


@pytest.mark.parametrize(
    ("tries", "minutes"),
    [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), pytest.param(10_000, 60, id="for ever the same")],
)
def test_pauses_grow_up_to_an_hour(tries: int, minutes: int) -> None:
    assert pause(tries) == timedelta(minutes=minutes)


def test_after_48_hours_it_is_too_late() -> None:
    assert not is_too_late(NOW, NOW + timedelta(hours=48) - timedelta(microseconds=1))
    assert is_too_late(NOW, NOW + timedelta(hours=48))
