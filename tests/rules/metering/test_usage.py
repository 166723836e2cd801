"""Filters of Usage History, and the comparison of two reports."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.metering.usage import (
    FILTER_PARAMS,
    FIRST_DAY,
    LAST_DAY,
    RANGES,
    Counts,
    InvalidFilter,
    Order,
    Status,
    UsageFilter,
    UsageReport,
    is_repeated,
    parse_day,
    parse_filter,
)
from portal.rules.periods import DayRange

UTC_ZONE, BERLIN, NEW_YORK = ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
"""In Berlin the next day has begun."""


def test_url_without_parameters_shows_seven_days() -> None:
    assert parse_filter({}) == UsageFilter() == UsageFilter(range=7, status=Status.ALL, order=Order.NEWEST)
    assert parse_filter(dict.fromkeys(FILTER_PARAMS, "")) == UsageFilter()
    assert UsageFilter().params() == {}


def test_every_filter_is_read() -> None:
    params = {
        "range": "90",
        "token_name": "Läp 100%_\\",
        "mode": "moe_reasoning",
        "status": "error",
        "from": "2026-10-01",
        "to": "2026-10-31",
        "model": "qwen3:32b",
        "budget_from": "2026-10-02",
        "budget_to": "2026-10-03",
        "order": "largest",
        "counts": "unknown",
    }
    assert set(params) == set(FILTER_PARAMS)
    parsed = parse_filter(params)
    assert parsed == UsageFilter(
        range=90,
        token_name="Läp 100%_\\",
        mode="moe_reasoning",
        status=Status.ERROR,
        from_day=date(2026, 10, 1),
        to_day=date(2026, 10, 31),
        model="qwen3:32b",
        budget_from=date(2026, 10, 2),
        budget_to=date(2026, 10, 3),
        order=Order.LARGEST,
        counts=Counts.UNKNOWN,
    )
    assert parsed.params() == params


DAYS = st.dates(FIRST_DAY, LAST_DAY)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=64)


@given(
    range=st.sampled_from(RANGES),
    token_name=TEXTS,
    mode=TEXTS,
    status=st.sampled_from(Status),
    days=st.tuples(DAYS | st.none(), DAYS | st.none()),
    model=TEXTS,
    budget_days=st.tuples(DAYS | st.none(), DAYS | st.none()),
    order=st.sampled_from(Order),
)
def test_parameters_of_a_filter_are_read_back(
    range: int,
    token_name: str,
    mode: str,
    status: Status,
    days: tuple[date | None, date | None],
    model: str,
    budget_days: tuple[date | None, date | None],
    order: Order,
) -> None:
    chosen = UsageFilter(range, token_name, mode, status, *days, model, *budget_days, order)
    in_order = all(not (first and last and first > last) for first, last in (days, budget_days))
    if in_order:
        assert parse_filter(chosen.params()) == chosen
    else:
        with pytest.raises(InvalidFilter, match="after the last"):
            parse_filter(chosen.params())


def test_changed_choice_keeps_the_others() -> None:
    chosen = UsageFilter(range=30, mode="native")
    assert chosen.with_(mode="") == UsageFilter(range=30)
    assert chosen.mode == "native"


@pytest.mark.parametrize(
    ("params", "field"),
    [
        pytest.param({"range": "8"}, "range", id="a range that is not offered"),
        pytest.param({"range": "07"}, "range", id="a range written oddly"),
        pytest.param({"range": "-7"}, "range", id="a negative range"),
        pytest.param({"range": "7.0"}, "range", id="a range with decimals"),
        pytest.param({"range": "\u0667"}, "range", id="a range in other digits"),
        pytest.param({"range": "9" * 5000}, "range", id="a huge range"),
        pytest.param({"status": "OK"}, "status", id="a status in capitals"),
        pytest.param({"status": "500"}, "status", id="an unknown status"),
        pytest.param({"order": "random"}, "order", id="an unknown order"),
        pytest.param({"token_name": "x" * 101}, "token_name", id="a token name too long"),
        pytest.param({"token_name": "a\x00"}, "token_name", id="NUL in the token name"),
        pytest.param({"mode": "x" * 65}, "mode", id="a mode too long"),
        pytest.param({"mode": "\ud800"}, "mode", id="half a character in the mode"),
        pytest.param({"model": "x" * 201}, "model", id="a model too long"),
        pytest.param({"model": "\x00"}, "model", id="NUL in the model"),
        pytest.param({"from": "22.11.2026"}, "from", id="a German day"),
        pytest.param({"from": "2026-11-22T00:00"}, "from", id="an instant"),
        pytest.param({"from": "2026-02-30"}, "from", id="a day that never comes"),
        pytest.param({"from": "2026-W47-7"}, "from", id="a day of a week"),
        pytest.param({"from": "20261122"}, "from", id="a day without dashes"),
        pytest.param({"from": " 2026-11-2"}, "from", id="a day with a space"),
        pytest.param({"from": "\uff12\uff10\uff12\uff16-11-22"}, "from", id="wide digits"),
        pytest.param({"to": "1999-12-30"}, "to", id="before the first day"),
        pytest.param({"to": "3000-01-01"}, "to", id="after the last day"),
        pytest.param({"to": "0000-00-00"}, "to", id="a day of zeros"),
        pytest.param({"budget_from": "yesterday"}, "budget_from", id="a word for a day"),
        pytest.param({"budget_to": "2026-13-01"}, "budget_to", id="a thirteenth month"),
        pytest.param({"from": "2026-11-22", "to": "2026-11-21"}, "to", id="from after to"),
        pytest.param({"budget_from": "2026-11-22", "budget_to": "2026-11-21"}, "budget_to", id="the same for budgets"),
        pytest.param({"account_id": "2"}, "account_id", id="an account is not a filter"),
        pytest.param({"from_day": "2026-11-22"}, "from_day", id="a name of the program's own"),
        pytest.param({"": ""}, "", id="no name at all"),
        pytest.param({"x" * 1000: "1"}, "x" * 64, id="a long name is cut"),
    ],
)
def test_error_names_the_bad_filter(params: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidFilter) as caught:
        parse_filter(params)
    assert caught.value.field == field
    assert str(caught.value).endswith(".")


@given(st.dictionaries(st.sampled_from(FILTER_PARAMS), st.text(max_size=30)))
def test_random_parameters_are_read_or_refused(params: dict[str, str]) -> None:
    with suppress(InvalidFilter):
        parsed = parse_filter(params)
        assert parse_filter(parsed.params()) == parsed


def test_days_at_the_ends_of_the_calendar_are_accepted() -> None:
    assert parse_day("1999-12-31", "from") == FIRST_DAY
    assert parse_day("2999-12-31", "to") == LAST_DAY
    whole = UsageFilter(from_day=FIRST_DAY, to_day=LAST_DAY)
    assert whole.span(NOW, UTC_ZONE, UTC_ZONE) == (datetime(1999, 12, 31, tzinfo=UTC), datetime(3000, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        pytest.param(
            UsageFilter(), "2026-11-17", "2026-11-23", id="seven days with today, which is the 23rd in Berlin"
        ),
        pytest.param(UsageFilter(range=30), "2026-10-25", "2026-11-23", id="thirty days"),
        pytest.param(UsageFilter(range=90), "2026-08-26", "2026-11-23", id="ninety days"),
        pytest.param(UsageFilter(from_day=date(2026, 11, 1)), "2026-11-01", "2026-11-23", id="from a day until today"),
        pytest.param(UsageFilter(from_day=date(2027, 1, 1)), "2027-01-01", "2027-01-01", id="from a day to come"),
        pytest.param(
            UsageFilter(to_day=date(2026, 3, 9)), "2026-03-03", "2026-03-09", id="the range before a last day"
        ),
        pytest.param(UsageFilter(to_day=date(2026, 11, 20)), "2026-11-14", "2026-11-20", id="a last day of this week"),
        pytest.param(
            UsageFilter(range=90, from_day=date(2026, 3, 29), to_day=date(2026, 3, 29)),
            "2026-03-29",
            "2026-03-29",
            id="one day",
        ),
    ],
)
def test_from_and_to_are_days_of_the_accounts_zone(wanted: UsageFilter, first: str, last: str) -> None:
    assert wanted.days(NOW, BERLIN) == DayRange(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        pytest.param(
            UsageFilter(from_day=date(2026, 3, 29), to_day=date(2026, 3, 29)),
            "2026-03-28 23:00",
            "2026-03-29 22:00",
            id="a day of 23 hours in Berlin",
        ),
        pytest.param(
            UsageFilter(from_day=date(2026, 10, 25), to_day=date(2026, 10, 25)),
            "2026-10-24 22:00",
            "2026-10-25 23:00",
            id="a day of 25 hours in Berlin",
        ),
        pytest.param(
            UsageFilter(budget_from=date(2026, 10, 25), budget_to=date(2026, 10, 25)),
            "2026-10-25 04:00",
            "2026-10-26 04:00",
            id="a budget day is New York's",
        ),
        pytest.param(
            UsageFilter(from_day=date(2026, 3, 29), to_day=date(2026, 3, 29), budget_from=date(2026, 10, 25)),
            "2026-10-25 04:00",
            "3000-01-01 05:00",
            id="budget days overrule From and To",
        ),
        pytest.param(
            UsageFilter(budget_to=date(2026, 10, 25)), "1999-12-31 05:00", "2026-10-26 04:00", id="up to a budget day"
        ),
    ],
)
def test_span_of_instants(wanted: UsageFilter, start: str, end: str) -> None:
    expected = tuple(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (start, end))
    assert wanted.span(NOW, BERLIN, NEW_YORK) == expected


REPORT = UsageReport(
    id="r-1",
    model="qwen3:32b",
    mode="native",
    prompt_tokens=100,
    completion_tokens=20,
    key_hash="ab" * 32,
    requested_at=NOW,
    cost_factor=Decimal("1.50"),
)


def test_equal_reports_in_another_form_are_equal() -> None:
    berlin = NOW.astimezone(timezone(timedelta(hours=1)))
    again = UsageReport(
        id="r-1",
        model="qwen3:32b",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        key_hash="ab" * 32,
        requested_at=berlin,
        cost_factor=Decimal("1.5"),
        status="ok",
    )
    assert again.fingerprint() == REPORT.fingerprint()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "r-2"),
        ("model", "qwen3:8b"),
        ("mode", "moe_reasoning"),
        ("prompt_tokens", 101),
        ("completion_tokens", 0),
        ("key_hash", "cd" * 32),
        ("cached_tokens", 1),
        ("reasoning_tokens", 1),
        ("status", "error"),
        ("requested_at", NOW + timedelta(microseconds=1)),
        ("requested_at", None),
        ("latency_ms", 0),
        ("template", "research"),
        ("cost_factor", Decimal("1.500001")),
        ("cost_factor", None),
        ("session_id", "s"),
    ],
)
def test_report_with_another_value_is_different(field: str, value: object) -> None:
    other = replace(REPORT, **{field: value})  # type: ignore[arg-type]  # each value fits its field
    assert other.fingerprint() != REPORT.fingerprint()


def test_log_record_repeats_a_trace_but_no_other_log() -> None:
    log, other = replace(REPORT, from_log=True), replace(REPORT, from_log=True, prompt_tokens=1)
    assert len(log.fingerprint()) == len(REPORT.fingerprint()) == 64
    assert is_repeated(log.fingerprint(), REPORT.fingerprint())
    assert is_repeated(REPORT.fingerprint(), other.fingerprint())
    assert is_repeated(log.fingerprint(), log.fingerprint())
    assert not is_repeated(log.fingerprint(), other.fingerprint())
    assert UsageReport.of_body(log.body()) == log


def test_fields_unknown_to_earlier_releases_are_not_compared() -> None:
    now = replace(REPORT, fallback_names=("alice@example.org", "alice"), without_counts=True)
    assert now.fingerprint() == REPORT.fingerprint()
    assert UsageReport.of_body(now.body()) == now


def test_only_the_id_of_a_shared_usage_is_compared() -> None:
    first = replace(REPORT, is_only_one=True)
    assert replace(first, prompt_tokens=7, requested_at=None, key_hash="0" * 64).fingerprint() == first.fingerprint()
    assert replace(first, id="r-2").fingerprint() != first.fingerprint()
    assert UsageReport.of_body(first.body()) == first


def test_body_is_canonical_and_has_only_reported_fields() -> None:
    assert REPORT.body() == (
        '{"cached_tokens":0,"completion_tokens":20,"cost_factor":"1.5","id":"r-1","key_hash":"' + "ab" * 32 + '",'
        '"mode":"native","model":"qwen3:32b","prompt_tokens":100,"reasoning_tokens":0,'
        '"requested_at":"2026-11-22T23:30:00.000000+00:00","status":"ok"}'
    )


@pytest.mark.parametrize(
    ("factor", "text"), [("1E+3", "1000"), ("0E-9", "0"), ("0.000000001", "0.000000001"), ("1000.000", "1000")]
)
def test_cost_factor_is_written_without_exponent(factor: str, text: str) -> None:
    assert f'"cost_factor":"{text}"' in replace(REPORT, cost_factor=Decimal(factor)).body()


def test_total_is_input_plus_output() -> None:
    assert REPORT.total_tokens == 120
