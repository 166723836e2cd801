"""How pages write numbers of things."""

from zoneinfo import ZoneInfo

import pytest
from babel import Locale

from portal.words.formats import Formats

UTC = ZoneInfo("UTC")
ENGLISH, GERMAN = (Formats(Locale(*name), UTC, UTC) for name in (("en", "GB"), ("de", "DE")))


@pytest.mark.parametrize(
    ("formats", "count", "requests", "billable"),
    [
        (ENGLISH, 0, "0 requests", "0 billable tokens"),
        (ENGLISH, 1, "1 request", "1 billable token"),
        (ENGLISH, 3138, "3,138 requests", "3,138 billable tokens"),
        (GERMAN, 3138, "3.138 requests", "3.138 billable tokens"),
    ],
)
def test_one_thing_is_counted_in_the_singular(formats: Formats, count: int, requests: str, billable: str) -> None:
    assert (formats.requests(count), formats.billable(count)) == (requests, billable)
