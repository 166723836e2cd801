"""Reports made of rows."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from portal.imports.columns import make_plan
from portal.imports.reports import Skipped, examples, read_reports
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.secrets import digest
from portal.rules.strict_json import Flaw

ROW: dict[str, Any] = {
    "id": "r-1",
    "username": "alice",
    "model": "gpt-4o",
    "prompt_tokens": "100",
    "completion_tokens": "20",
    "requested_at": "2026-11-22T10:00:00Z",
}
PLAIN = tuple(ROW)


def read(
    row: dict[str, Any], chosen: dict[str, str] | None = None, fixed: dict[str, str] | None = None, **more: Any
) -> Any:
    """Return what a row reports."""
    [report] = read_reports([row], make_plan(tuple(row), chosen or {}, fixed or {}, **more), "usual")
    return report


@pytest.mark.parametrize(
    ("column", "field"),
    [
        ("Input Tokens", "prompt_tokens"), ("tokens_prompt", "prompt_tokens"), ("usage.prompt_tokens", "prompt_tokens"),
        ("tokens_in", "prompt_tokens"), ("outputTokens", "completion_tokens"), ("tokens_out", "completion_tokens"),
        ("cached_input_tokens", "cached_tokens"), ("usage.prompt_tokens_details.cached_tokens", "cached_tokens"),
        ("Reasoning Tokens", "reasoning_tokens"), ("reasoning_output_tokens", "reasoning_tokens"),
        ("Tokens", "total_tokens"), ("cacheWriteTokens", "cache_write_tokens"),
        ("cache_creation.ephemeral_1h_input_tokens", "cache_write_tokens"),
    ],
)  # fmt: skip
def test_counts_are_guessed_by_their_names(column: str, field: str) -> None:
    others = [name for name in PLAIN if name != field]
    row = dict.fromkeys([column, *others], "7")
    assert (field, column, "7") in examples(row, make_plan([column, *others], {}, {}))


def test_everything_a_row_may_say_is_read() -> None:
    more = {"mode": "moe", "cached_tokens": "64", "reasoning_tokens": 16.0, "status": "success", "latency_ms": "12.4",
            "template": "t", "cost_factor": "0.50", "session_id": 7, "provider_model": "p"}  # fmt: skip
    row = {**ROW, **more}
    assert read(row) == UsageReport(
        id="r-1",
        username="alice",
        model="gpt-4o",
        provider_model="p",
        mode="moe",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=64,
        reasoning_tokens=16,
        status="ok",
        requested_at=datetime(2026, 11, 22, 10, 0, tzinfo=UTC),
        latency_ms=12,
        template="t",
        cost_factor=read(row).cost_factor,
        session_id="7",
    )
    assert str(read(row).cost_factor) == "0.5"


def test_what_a_row_does_not_say_is_as_usual() -> None:
    report = read({**ROW, "mode": "", "status": None, "cached_tokens": "", "cost_factor": "NULL", "session_id": ""})
    assert (report.mode, report.status, report.cached_tokens, report.cost_factor, report.session_id) == (
        "usual", "ok", 0, None, None,
    )  # fmt: skip


def test_guesses_are_overruled_and_left_out() -> None:
    row = {**ROW, "really": "gpt-5", "cached_tokens": "999"}
    report = read(row, {"model": "really", "cached_tokens": ""})
    assert (report.model, report.cached_tokens) == ("gpt-5", 0)


def test_fixed_values_overrule_the_file() -> None:
    report = read({**ROW, "mode": "x"}, fixed={"mode": "moe", "username": "Bob", "cost_factor": "2"})
    assert (report.mode, report.username, str(report.cost_factor)) == ("moe", "bob", "2")


def test_key_column_goes_before_the_user_name_column() -> None:
    row = {**ROW, "api_key": "moe-sk-1"}
    assert (read(row).key_hash, read(row).username) == (digest("moe-sk-1"), None)
    assert (read({**row, "api_key": ""}).key_hash, read({**row, "api_key": ""}).username) == (None, "alice")
    assert read({**row, "api_key_hash": "A" * 64}).key_hash == "a" * 64
    assert read(row, {"username": "username"}).key_hash is None


def test_missing_columns_can_be_fixed_for_all_rows() -> None:
    report = read({"when": 1795341600, "total": 120}, {"requested_at": "when", "prompt_tokens": "total"},
                  {"username": "alice", "model": "m", "completion_tokens": "0"})  # fmt: skip
    assert (report.prompt_tokens, report.completion_tokens, report.model) == (120, 0, "m")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"prompt_tokens": "-5"}, "prompt_tokens must be a whole number", id="negative tokens"),
        pytest.param({"model": "m" * 201}, "model has at most 200", id="a long name"),
        pytest.param({"model": "caf\udce9"}, "model cannot be understood", id="bytes that are no text"),
        pytest.param({"model": "a\x00b"}, "model", id="a control character"),
        pytest.param({"username": ""}, "The row names no API key and no user.", id="nobody's"),
        pytest.param({"id": ""}, "id is missing.", id="no id"),
        pytest.param({"api_key_hash": "abc"}, "64 hexadecimal digits", id="half a digest"),
        pytest.param({"cost_factor": "1001"}, "between 0 and 1000", id="a factor out of bounds"),
        pytest.param({"requested_at": "2026-11-22 10:00:00"}, "has no offset", id="a clock on some wall"),
        pytest.param(
            {"requested_at": "1850-01-01T00:00:00Z"}, "lies between the years", id="before there were computers"
        ),
    ],
)
def test_rows_that_are_rejected(changes: dict[str, Any], reason: str) -> None:
    rejected = read({**ROW, **changes})
    assert isinstance(rejected, Rejected)
    assert reason in rejected.reason


def test_instants_without_an_offset_are_in_the_given_zone() -> None:
    report = read({**ROW, "requested_at": "2026-07-01 10:00:00"}, zone=ZoneInfo("Europe/Berlin"))
    assert report.requested_at == datetime(2026, 7, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(("second", "is_skipped"), [(59, False), (60, True)], ids=["just before", "at that moment"])
def test_requests_from_a_moment_on_are_skipped(second: int, is_skipped: bool) -> None:
    before = datetime(2026, 11, 22, 10, 1, tzinfo=UTC)
    report = read({**ROW, "requested_at": before.timestamp() - 60 + second}, before=before)
    assert isinstance(report, Skipped) is is_skipped


def test_bad_row_keeps_its_place() -> None:
    reports = list(read_reports([ROW, Flaw("Bad."), {**ROW, "id": "r-2"}], make_plan(PLAIN, {}, {}), "usual"))
    assert [getattr(report, "id", None) for report in reports] == ["r-1", None, "r-2"]
    assert reports[1] == Rejected(None, "Bad.")


def test_parts_larger_than_the_prompt_are_added() -> None:
    report = read({**ROW, "cached_tokens": "101"})
    assert (report.prompt_tokens, report.cached_tokens) == (201, 101)


def test_counts_of_several_columns_are_added() -> None:
    row = {**ROW, "a": "1", "b": 2, "c": ""}
    assert read(row, {"prompt_tokens": "a + b+c", "completion_tokens": "c"}).reason == "completion_tokens is missing."
    report = read({**row, "c": "40"}, {"prompt_tokens": "a + b+c", "completion_tokens": "c"})
    assert (report.prompt_tokens, report.completion_tokens) == (43, 40)
    assert read({**row, "a+b": "9"}, {"prompt_tokens": "a+b"}).prompt_tokens == 9


@pytest.mark.parametrize(
    ("status", "expected"), [("ok", (0, True)), ("", (0, True)), ("500", (0, None))], ids=["ok", "unsaid", "failed"]
)
def test_a_row_without_counts_is_unknown_unless_it_failed(status: str, expected: object) -> None:
    report = read({**ROW, "prompt_tokens": "", "completion_tokens": None, "status": status})
    assert (report.total_tokens, report.without_counts) == expected


def test_a_missing_count_follows_from_the_total() -> None:
    assert read({**ROW, "prompt_tokens": "", "total_tokens": "120"}).prompt_tokens == 100
    row = {name: value for name, value in ROW.items() if name != "completion_tokens"} | {"total": "130"}
    assert read(row).completion_tokens == 30


def test_a_name_beside_a_key_is_used_where_the_key_is_not_known() -> None:
    assert read({**ROW, "api_key": "moe-sk-1"}).fallback_names == ("alice",)
    assert read(ROW).fallback_names is None


def test_examples_show_no_keys() -> None:
    row = {**ROW, "api_key": "moe-sk-0123456789abcdef", "model": "m" * 50}
    shown = {
        field: (column, value) for field, column, value in examples(row, make_plan(tuple(row), {}, {"mode": "moe"}))
    }
    assert shown["api_key"] == ("api_key", "moe-sk-012345678…")
    assert shown["model"] == ("model", "m" * 40)
    assert shown["mode"] == ("(all rows)", "moe")


def ids(*rows: dict[str, Any]) -> list[str | None]:
    plan = make_plan(PLAIN[1:], {}, {})
    return [report.id for report in read_reports(rows, plan, "usual") if isinstance(report, UsageReport)]


def test_rows_without_ids_get_ids_of_what_they_say() -> None:
    one = {name: value for name, value in ROW.items() if name != "id"}
    other = {**one, "prompt_tokens": "101"}
    first = ids(one, other, one, one)
    assert len(set(first)) == 4
    assert ids(one, other, one, one) == first  # the same file again
    assert ids(other, one) == [first[1], first[0]]  # a file that overlaps with it
    assert ids(dict(reversed(one.items()))) == first[:1]  # columns in another order
