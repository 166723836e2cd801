"""Formats of counts and days in English and German."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from portal.rules.periods import DayRange
from portal.words.formats import Formats

UTC = ZoneInfo("UTC")
ENGLISH, GERMAN = (Formats(Locale(*name), UTC, UTC) for name in (("en", "GB"), ("de", "DE")))


@pytest.mark.parametrize(
    ("formats", "count", "requests", "billable"),
    [
        (ENGLISH, 0, "0 requests", "0 billable tokens"),
        (ENGLISH, 1, "1 request", "1 billable token"),
        (ENGLISH, 3138, "3,138 requests", "3,138 billable tokens"),
        (GERMAN, 3138, "3.138 Anfragen", "3.138 abrechenbare Token"),
    ],
)
def test_one_thing_is_counted_in_the_singular(formats: Formats, count: int, requests: str, billable: str) -> None:
    assert (formats.requests(count), formats.billable(count)) == (requests, billable)


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        (ENGLISH, ["27 Nov 2026", "Fri 27 Nov", "Friday, 27 November 2026", "on 25 Nov at 09:05", "14 – 27 Nov 2026"]),
        (
            GERMAN,
            [
                "27. Nov. 2026",
                "Fr., 27. Nov.",
                "Freitag, 27. November 2026",
                "am 25. Nov. um 09:05\u00a0Uhr",
                "14. – 27. Nov. 2026",
            ],
        ),
    ],
)
def test_days_are_written_as_each_language_does(formats: Formats, expected: list[str]) -> None:
    day, now = date(2026, 11, 27), datetime(2026, 11, 27, 9, 5, tzinfo=UTC)
    assert [
        formats.day(day),
        formats.short_day(day),
        formats.long_day(day),
        formats.at(now - timedelta(2), now),
        formats.days(DayRange(date(2026, 11, 14), day)),
    ] == expected


@pytest.mark.parametrize(("formats", "text"), [(ENGLISH, "€1,058.68940001"), (GERMAN, "1.058,68940001\u00a0€")])
def test_exact_cost_has_all_its_decimals(formats: Formats, text: str) -> None:
    assert formats.exact_eur(1_058_689_400_010) == text
