"""Pauses between tries to send a mail, and the time after which it is too late."""

from datetime import timedelta

import pytest

from portal.rules.outbox import Kind, is_too_late, pause
from tests.cast import NOW


@pytest.mark.parametrize(
    ("tries", "minutes"),
    [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60), pytest.param(10_000, 60, id="many tries")],
)
def test_pauses_grow_up_to_an_hour(tries: int, minutes: int) -> None:
    assert pause(tries) == timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("kind", "lasts"),
    [
        pytest.param(Kind.ALERT, timedelta(hours=48), id="two days"),
        pytest.param(Kind.RESET, timedelta(minutes=30), id="as long as the link in it works"),
    ],
)
def test_old_mail_is_too_late(kind: Kind, lasts: timedelta) -> None:
    assert not is_too_late(kind, NOW, NOW + lasts - timedelta(microseconds=1))
    assert is_too_late(kind, NOW, NOW + lasts)
