from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from portal.rules.instants import (
    InvalidInstant,
    instant_of_nanoseconds,
    instant_of_number,
    instant_of_seconds,
    parse_instant,
    parse_lenient_instant,
    parse_utc_instant,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("2026-11-22T10:00:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC), id="UTC"),
        pytest.param("2026-11-22t10:00:00z", datetime(2026, 11, 22, 10, tzinfo=UTC), id="small letters (RFC 3339)"),
        pytest.param("2026-11-22 10:00:00+00:00", datetime(2026, 11, 22, 10, tzinfo=UTC), id="a space"),
        pytest.param("2026-11-22T10:00Z", datetime(2026, 11, 22, 10, tzinfo=UTC), id="no seconds"),
        pytest.param("2026-11-22T10:00:00.5Z", datetime(2026, 11, 22, 10, 0, 0, 500_000, tzinfo=UTC), id="a fraction"),
        pytest.param(
            "2026-11-22T10:00:00.123456789Z",
            datetime(2026, 11, 22, 10, 0, 0, 123_456, tzinfo=UTC),
            id="nanoseconds are cut off",
        ),
        pytest.param("2026-11-22T10:00:00+14:00", datetime(2026, 11, 21, 20, tzinfo=UTC), id="the day before in UTC"),
        pytest.param(
            "2026-11-22T10:00:00-0930", datetime(2026, 11, 22, 19, 30, tzinfo=UTC), id="no colon in the offset"
        ),
        pytest.param("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC), id="1970"),
    ],
)
def test_instant_is_read_in_utc(text: str, expected: datetime) -> None:
    parsed = parse_instant(text)
    assert parsed == expected
    assert parsed.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-11-22T10:00:00", id="no offset"),
        pytest.param("2026-11-22", id="only a day"),
        pytest.param("2026-11-22T23:59:60Z", id="a leap second"),
        pytest.param("2026-02-29T10:00:00Z", id="no such day"),
        pytest.param("2026-11-22T25:00:00Z", id="no such hour"),
        pytest.param("2026-11-22T10:00:00+24:00", id="no such offset"),
        pytest.param("9999-12-31T23:59:59-14:00", id="beyond the calendar"),
        pytest.param("9999-12-31T00:00:00Z", id="the last year"),
        pytest.param("0001-01-01T00:00:00+14:00", id="before the calendar"),
        pytest.param("1899-12-31T23:59:59Z", id="too early"),
        pytest.param("+002026-11-22T10:00:00Z", id="a longer year"),
        pytest.param("2026-W47-7T10:00:00Z", id="a week"),
        pytest.param("20261122T100000Z", id="without separators"),
        pytest.param("٢٠٢٦-11-22T10:00:00Z", id="other digits"),
        pytest.param("2026-11-22T10:00:00Z\n", id="a line break"),
        pytest.param("2026-11-22T10:00:00 Z", id="a space before the offset"),
        pytest.param("now", id="a word"),
        pytest.param("", id="nothing"),
        pytest.param(1_763_805_600, id="a number"),
        pytest.param(None, id="null"),
        pytest.param(["2026-11-22T10:00:00Z"], id="a list"),
    ],
)
def test_value_that_is_not_an_instant_is_refused(text: object) -> None:
    with pytest.raises(InvalidInstant, match=r"\.$"):
        parse_instant(text)


TEN = datetime(2026, 11, 22, 10, tzinfo=UTC)
SECONDS = int(TEN.timestamp())


@pytest.mark.parametrize("text", ["2026-11-22T10:00:00", "2026-11-22T10:00:00Z", "2026-11-22T12:00:00+02:00"])
def test_text_without_offset_is_utc(text: str) -> None:
    assert parse_utc_instant(text) == TEN


@pytest.mark.parametrize("value", [None, "", "2026-11-22", 7])
def test_value_without_time_is_no_utc_instant(value: object) -> None:
    with pytest.raises(InvalidInstant):
        parse_utc_instant(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(" 2026-11-22 10:00:00 UTC ", TEN, id="UTC as a word"),
        pytest.param("2026-11-22T10:00Z", TEN, id="Z"),
        pytest.param("2026-11-22 12:00:00 +02", TEN.astimezone(timezone(timedelta(hours=2))), id="hours alone"),
        pytest.param("2026-11-22 10:00:00", TEN.replace(tzinfo=None), id="no offset"),
        pytest.param("22.11.2026 10:00", None, id="another form"),
    ],
)
def test_lenient_instant_keeps_its_offset(text: str, expected: datetime | None) -> None:
    assert parse_lenient_instant(text) == expected


def test_lenient_instant_must_exist() -> None:
    with pytest.raises(ValueError, match="day is out of range"):
        parse_lenient_instant("2026-02-30 10:00:00")


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_number_of_any_unit_is_the_same_instant(unit: int) -> None:
    assert instant_of_number(Decimal(SECONDS * unit)) == TEN


def test_seconds_and_nanoseconds_are_the_same_instant() -> None:
    assert instant_of_seconds(SECONDS + 0.5) == instant_of_nanoseconds(SECONDS * 10**9 + 500_000_999)


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), 1e300])
def test_seconds_without_an_instant_are_invalid(seconds: float) -> None:
    with pytest.raises(InvalidInstant):
        instant_of_seconds(seconds)
