"""Status and expiry of keys: they end with a whole day of their owner's zone."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.rules.people.keys import LIFETIMES, SOON, expires_after, expires_soon, key_status, last_day, last_day_after

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
CAIRO = ZoneInfo("Africa/Cairo")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
"""The 23rd in Berlin, the 22nd in New York."""


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        pytest.param(BERLIN, date(2026, 12, 23), id="a zone in which tomorrow has begun"),
        pytest.param(NEW_YORK, date(2026, 12, 22), id="a zone in which it is still today"),
    ],
)
def test_lifetime_is_in_days_of_the_owners_zone(zone: ZoneInfo, expected: date) -> None:
    assert last_day_after(30, NOW, zone) == expected


@pytest.mark.parametrize(
    ("day", "zone", "expected"),
    [
        pytest.param(date(2026, 12, 22), BERLIN, datetime(2026, 12, 22, 23, tzinfo=UTC), id="winter"),
        pytest.param(date(2026, 7, 1), BERLIN, datetime(2026, 7, 1, 22, tzinfo=UTC), id="summer"),
        pytest.param(date(2026, 12, 22), NEW_YORK, datetime(2026, 12, 23, 5, tzinfo=UTC), id="west of Greenwich"),
        pytest.param(date(2026, 4, 23), CAIRO, datetime(2026, 4, 23, 22, tzinfo=UTC), id="before a missing midnight"),
    ],
)
def test_key_works_until_the_end_of_its_last_day(day: date, zone: ZoneInfo, expected: datetime) -> None:
    assert expires_after(day, zone) == expected


@pytest.mark.parametrize("zone", [BERLIN, NEW_YORK, CAIRO], ids=lambda zone: zone.key)
@pytest.mark.parametrize("day", [date(2026, 4, 23), date(2026, 4, 24), date(2026, 10, 25), date(2028, 2, 29)], ids=str)
def test_chosen_last_day_is_the_shown_last_day(day: date, zone: ZoneInfo) -> None:
    assert last_day(expires_after(day, zone), zone) == day


def test_key_that_ends_during_a_day_has_it_as_last_day() -> None:
    assert last_day(datetime(2026, 11, 22, 12, tzinfo=UTC), BERLIN) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("expires_at", "soon"),
    [
        pytest.param(None, False, id="never"),
        pytest.param(NOW - timedelta(seconds=1), False, id="expired"),
        pytest.param(NOW, False, id="at this instant it no longer works"),
        pytest.param(NOW + timedelta(seconds=1), True, id="in a second"),
        pytest.param(NOW + SOON, True, id="in two weeks"),
        pytest.param(NOW + SOON + timedelta(seconds=1), False, id="later"),
    ],
)
def test_key_that_ends_within_two_weeks_expires_soon(expires_at: datetime | None, soon: bool) -> None:
    assert expires_soon(expires_at, NOW) is soon


def test_new_key_of_any_lifetime_does_not_expire_soon() -> None:
    assert all(timedelta(days) > SOON for days in LIFETIMES)


MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("expires_at", "revoked_at", "expected"),
    [
        pytest.param(None, None, "active", id="a key without an end"),
        pytest.param(NOW + MOMENT, None, "active", id="just before its end"),
        pytest.param(NOW, None, "expired", id="at its end"),
        pytest.param(None, NOW + MOMENT, "revoked", id="revoked by a clock that is ahead"),
        pytest.param(NOW, NOW, "revoked", id="revoked and expired"),
    ],
)
def test_status_of_a_key(expires_at: datetime | None, revoked_at: datetime | None, expected: str) -> None:
    assert key_status(expires_at, revoked_at, NOW) == expected
