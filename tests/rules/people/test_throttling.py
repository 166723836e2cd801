"""Waiting times after wrong passwords."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.rules.people.throttling import FORGOTTEN_AFTER, Failures, after_failure, after_success, wait_until

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("scope", "count", "seconds"),
    [
        pytest.param("account", 1, 0, id="one"),
        pytest.param("account", 4, 0, id="the last free try"),
        pytest.param("account", 5, 15, id="the first wait"),
        pytest.param("account", 6, 30, id="doubled"),
        pytest.param("account", 10, 480, id="doubled again and again"),
        pytest.param("account", 11, 900, id="up to a quarter of an hour"),
        pytest.param("account", 10**6, 900, id="at most the longest wait"),
        pytest.param("address", 99, 0, id="many people share an address"),
        pytest.param("address", 100, 15, id="but not for ever"),
        pytest.param("address", 101, 30, id="an address doubles too"),
    ],
)
def test_wait_doubles_after_the_free_tries(scope: str, count: int, seconds: int) -> None:
    failures = Failures(count, NOW)
    wait = timedelta(seconds=seconds)
    assert wait_until(failures, scope, NOW) == (NOW + wait if seconds else None)
    assert wait_until(failures, scope, NOW + wait) is None
    if seconds:
        assert wait_until(failures, scope, NOW + wait - SECOND) == NOW + wait


def test_first_try_needs_no_wait() -> None:
    assert wait_until(None, "account", NOW) is None


def test_failures_are_added() -> None:
    first = after_failure(None, NOW)
    assert first == Failures(1, NOW)
    assert after_failure(first, NOW + SECOND) == Failures(2, NOW + SECOND)


def test_day_without_failures_resets_the_count() -> None:
    many = Failures(10**6, NOW)
    almost, day = NOW + FORGOTTEN_AFTER - SECOND, NOW + FORGOTTEN_AFTER
    assert after_failure(many, almost).count == 10**6 + 1
    assert after_failure(many, day) == Failures(1, day)
    assert wait_until(many, "account", day) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(None, None, id="no failures"),
        pytest.param(Failures(1, NOW), None, id="only this try, counted in advance"),
        pytest.param(Failures(7, NOW), Failures(6, NOW), id="wrong ones of others"),
    ],
)
def test_correct_password_removes_only_its_own_try(before: Failures | None, after: Failures | None) -> None:
    assert after_success(before) == after
