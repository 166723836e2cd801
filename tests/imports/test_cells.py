"""What cells of files say."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from portal.gateways.lenient_values import UnclearValue
from portal.imports import cells
from portal.imports.notations import Marks, Notation, Order
from portal.rules.people.secrets import digest
from portal.rules.spending.pricing import MAX_TOKENS

BERLIN = ZoneInfo("Europe/Berlin")
TEN = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("12", 12, id="digits"),
        pytest.param(" 12 ", 12, id="with spaces"),
        pytest.param("12.0", 12, id="as data frames write whole numbers"),
        pytest.param(12.0, 12, id="a float"),
        pytest.param(Decimal("12.00"), 12, id="a decimal"),
        pytest.param("0", 0, id="nothing"),
        pytest.param(MAX_TOKENS, MAX_TOKENS, id="as many as there can be"),
    ],
)
def test_token_counts(value: object, expected: int) -> None:
    assert cells.as_count(value, "prompt_tokens") == expected


@pytest.mark.parametrize(
    "value",
    ["", None, "NULL", r"\N", float("nan"), "NaN", "None", "-"],
    ids=["empty", "null", "SQL's null", "COPY's null", "not a number", "as a data frame", "as Python", "as people"],
)
def test_missing_token_count_is_no_zero(value: object) -> None:
    assert not cells.has_value(value)
    with pytest.raises(UnclearValue, match=r"prompt_tokens is missing\."):
        cells.as_count(value, "prompt_tokens")


@pytest.mark.parametrize(
    "value",
    ["-1", "12.5", "1,234", "twelve", "1e3", "0x10", True, [], {}, float("inf"), Decimal("1E+999999"), MAX_TOKENS + 1,
     Decimal("1E-999999"), 10**4000, "9" * 31, "١٢"],
    ids=str,
)  # fmt: skip
def test_other_values_are_no_token_counts(value: object) -> None:
    with pytest.raises(UnclearValue, match="prompt_tokens must be a"):
        cells.as_count(value, "prompt_tokens")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("2026-11-22T10:00:00Z", TEN, id="ISO 8601"),
        pytest.param("2026-11-22t10:00z", TEN, id="in small letters, without seconds"),
        pytest.param("2026-11-22 11:00:00+01:00", TEN, id="with an offset"),
        pytest.param("2026-11-22 11:00:00.000+0100", TEN, id="without a colon in it"),
        pytest.param("2026-11-22 11:00:00+01", TEN, id="as PostgreSQL writes it"),
        pytest.param("2026-11-22 10:00:00 UTC", TEN, id="as BigQuery writes it"),
        pytest.param("2026-11-22 11:00:00.000001", TEN + timedelta(microseconds=1), id="a clock on the wall"),
        pytest.param("1795341600", TEN, id="seconds since 1970"),
        pytest.param(1795341600, TEN, id="as a number"),
        pytest.param(1795341600.25, TEN + timedelta(milliseconds=250), id="with a fraction"),
        pytest.param("1795341600000", TEN, id="milliseconds"),
        pytest.param(1795341600000001, TEN + timedelta(microseconds=1), id="microseconds"),
        pytest.param(1795341600000001999, TEN + timedelta(microseconds=1), id="nanoseconds"),
        pytest.param(TEN, TEN, id="an instant of Parquet"),
        pytest.param(datetime(2026, 11, 22, 11, 0), TEN, id="one without a zone"),  # noqa: DTZ001  # on purpose
        pytest.param(datetime(2026, 11, 22, 5, 0, tzinfo=timezone(timedelta(hours=-5))), TEN, id="in another zone"),
        pytest.param("22.11.2026 11:00", TEN, id="as people write it"),
        pytest.param("11/22/2026 11:00 AM", TEN, id="as other people write it, where it is clear"),
        pytest.param("2026-11-22", TEN - timedelta(hours=11), id="a day"),
        pytest.param(date(2026, 11, 22), TEN - timedelta(hours=11), id="a day of Parquet"),
    ],
)
def test_instants(value: object, expected: datetime) -> None:
    assert cells.zoned_instant(value, "requested_at", BERLIN) == expected


@pytest.mark.parametrize(
    "value",
    ["2026-11-22 10:00:00", "2026-11-22T10:00", datetime(2026, 11, 22, 10, 0)],  # noqa: DTZ001  # on purpose
    ids=["a text", "without seconds", "a value of Parquet"],
)
def test_an_instant_without_an_offset_needs_a_zone(value: object) -> None:
    with pytest.raises(UnclearValue, match=r"requested_at has no offset.*--timezone"):
        cells.zoned_instant(value, "requested_at", None)


@pytest.mark.parametrize(
    "value",
    ["10/11/2026 10:00", "31.2.2026", "2026-11", "2026-02-30T10:00:00Z", "2026-11-22T25:00:00Z", "now", "", None,
     True, [], "9" * 25, -(10**29), float("inf"), "2026-11-22T10:00:00+99:00"],
    ids=str,
)  # fmt: skip
def test_other_values_are_no_instants(value: object) -> None:
    with pytest.raises(UnclearValue, match="requested_at is no date and time"):
        cells.zoned_instant(value, "requested_at", UTC)


@pytest.mark.parametrize(("order", "month"), [(Order.DAY_FIRST, 11), (Order.MONTH_FIRST, 10)])
def test_days_are_read_in_the_given_order(order: Order, month: int) -> None:
    assert cells.zoned_instant("10/11/2026", "requested_at", UTC, Notation(order=order)).month == month


@pytest.mark.parametrize(("marks", "expected"), [(Marks.COMMA, 1234), (Marks.POINT, None)])
def test_numbers_are_read_with_the_given_marks(marks: Marks, expected: int | None) -> None:
    if expected is None:
        with pytest.raises(UnclearValue, match="whole number"):
            cells.as_count("1.234", "prompt_tokens", Notation(marks))
    else:
        assert cells.as_count("1.234", "prompt_tokens", Notation(marks)) == expected


@pytest.mark.parametrize("value", ["1'234", "1 234", "1\u202f234"])
def test_marks_that_mean_the_same_everywhere_need_no_notation(value: str) -> None:
    assert cells.as_count(value, "prompt_tokens") == 1234


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("ok", "ok"), ("success", "ok"), ("Succeeded", "ok"), ("200", "ok"), (200, "ok"),
        ("failure", "failure"), ("429 RateLimitError", "429 RateLimitError"), (500, "500"),
    ],
)  # fmt: skip
def test_a_success_is_ok_and_all_else_stays(value: object, expected: str) -> None:
    assert cells.as_status(value, "status") == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("1250", 1250, id="a number"),
        pytest.param("1250.6", 1251, id="rounded"),
        pytest.param("-1", None, id="clocks that went back"),
        pytest.param("fast", None, id="no number"),
        pytest.param(10**12, None, id="longer than anything takes"),
    ],
)
def test_how_long_it_took(value: object, expected: int | None) -> None:
    assert cells.as_milliseconds(value, "latency_ms") == expected


def test_keys_become_digests_and_digests_stay() -> None:
    assert cells.as_key_hash("moe-sk-secret") == digest("moe-sk-secret")
    assert cells.as_key_hash("A" * 64) == "a" * 64
    assert cells.as_key_hash("litellm_proxy_master_key") == digest("litellm_proxy_master_key")


@pytest.mark.parametrize(
    ("value", "expected"),
    [("gpt-4o", "gpt-4o"), (7, "7"), (UUID(int=7), str(UUID(int=7))), (b"caf\xc3\xa9", "café"), (b"\xff", "\udcff")],
    ids=["text", "a number", "a UUID", "bytes", "bytes that are no text"],
)
def test_texts(value: object, expected: str) -> None:
    assert cells.as_text(value, "model") == expected


@pytest.mark.parametrize("value", [True, 1.5, ["a"], {"a": 1}, None], ids=str)
def test_other_values_are_no_text(value: object) -> None:
    with pytest.raises(UnclearValue, match="model must be text"):
        cells.as_text(value, "model")


ROW = {"id": 1, "usage": '{"input": 3, "details": {"cached": 2}}', "user": {"name": "mara"}, "a.b": 7}


@pytest.mark.parametrize("value", ['{"a": 1}', b' {"a": 1}', {"a": 1}], ids=["JSON", "bytes", "a value"])
def test_objects_in_cells(value: object) -> None:
    assert cells.as_object(value) == {"a": 1}


@pytest.mark.parametrize(
    "value", ["", "{", "[1]", None, '{"a":' * 100_000, b"\xff", 7], ids=lambda value: repr(value)[:9]
)
def test_cell_without_an_object_has_no_members(value: object) -> None:
    assert cells.as_object(value) == {}


def test_members_of_objects_are_columns_behind_their_own() -> None:
    found = ["id", "usage", "usage.input", "usage.details", "usage.details.cached", "user", "user.name", "a.b"]
    assert list(cells.column_names(ROW)) == found
    assert list(cells.column_names({"a": {"b": {"c": {"d": {"e": 1}}}}})) == ["a", "a.b", "a.b.c", "a.b.c.d"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("id", 1), ("usage.input", 3), ("usage.details.cached", 2), ("user.name", "mara"), ("a.b", 7), ("a.c", None),
     ("usage.none", None), ("none", None), ("id.x", None)],
)  # fmt: skip
def test_cells_are_found_by_their_columns(name: str, expected: object) -> None:
    assert cells.cell(ROW, name) == expected
