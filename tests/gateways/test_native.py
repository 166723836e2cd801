import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.gateways.native import LONGEST_LINE, MOST_EVENTS, MOST_LINES, read_events
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.secrets import digest
from tests.work import at_most_calls

SECRET = "moe-sk-" + "5e" * 24
SMALL = {
    "id": "r-1",
    "username": "alice",
    "model": "qwen3:32b",
    "mode": "native",
    "prompt_tokens": 100,
    "completion_tokens": 20,
}


def event(**values: Any) -> dict[str, Any]:
    """Return a small event with changes; a field of `...` is left out."""
    return {name: value for name, value in (SMALL | values).items() if value is not ...}


def by_key(**values: Any) -> dict[str, Any]:
    return event(username=..., **values)


def read_one(body: bytes) -> UsageReport | Rejected:
    (only,) = read_events(body)
    return only


def taken(values: dict[str, Any]) -> UsageReport:
    read = read_one(json.dumps(values).encode())
    assert isinstance(read, UsageReport), read
    return read


def refused(values: Any) -> Rejected:
    """Return why an event is not taken; it is sent in an array, so that the array itself is in order."""
    (read,) = read_events(json.dumps([values]).encode())
    assert isinstance(read, Rejected), read
    assert read.reason.endswith(".")
    return read


def test_an_event_says_everything() -> None:
    report = taken(
        event(
            cached_tokens=40,
            reasoning_tokens=5,
            status="rate_limited",
            requested_at="2026-11-22T15:05:00+01:00",
            latency_ms=812,
            template="Research",
            cost_factor="1.5",
            session_id="s-9",
        )
    )
    assert report == UsageReport(
        id="r-1",
        username="alice",
        model="qwen3:32b",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        cached_tokens=40,
        reasoning_tokens=5,
        status="rate_limited",
        requested_at=datetime(2026, 11, 22, 14, 5, tzinfo=UTC),
        latency_ms=812,
        template="Research",
        cost_factor=Decimal("1.5"),
        session_id="s-9",
    )


def test_what_an_event_leaves_out_has_its_default() -> None:
    optional = [
        "api_key",
        "api_key_hash",
        "status",
        "requested_at",
        "latency_ms",
        "template",
        "cost_factor",
        "session_id",
    ]
    assert taken(event(**dict.fromkeys(optional))) == taken(event())
    assert taken(event()).status == "ok"
    assert taken(event()).cached_tokens == taken(event()).reasoning_tokens == 0


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        pytest.param({"api_key": SECRET}, digest(SECRET), id="a key"),
        pytest.param({"api_key": "sk-somebody-elses"}, digest("sk-somebody-elses"), id="a key of another kind"),
        pytest.param({"api_key": "ключ"}, digest("ключ"), id="a key of other letters"),
        pytest.param({"api_key_hash": digest(SECRET)}, digest(SECRET), id="its digest"),
        pytest.param({"api_key_hash": digest(SECRET).upper()}, digest(SECRET), id="its digest in capitals"),
    ],
)
def test_a_key_becomes_a_digest_at_once(whose: dict[str, str], expected: str) -> None:
    report = taken(by_key(**whose))
    assert report.key_hash == expected
    assert report.username is None
    assert SECRET not in report.body()


def test_a_user_name_is_folded_to_lower_case() -> None:
    assert taken(event(username=" Alice ")).username == "alice"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("0", "0", id="zero"),
        pytest.param("-0.0", "0", id="minus zero"),
        pytest.param("1000", "1000", id="the largest"),
        pytest.param("0.1", "0.1", id="a number stays exact"),
        pytest.param("1e2", "100", id="an exponent"),
        pytest.param("0.000000000001", "0.000000000001", id="twelve decimals"),
        pytest.param("1.500000000000000", "1.5", id="needless zeros"),
        pytest.param('"2.50"', "2.5", id="a decimal string"),
        pytest.param('"0"', "0", id="a zero as a string"),
    ],
)
def test_a_cost_factor_is_read_exactly(written: str, expected: str) -> None:
    report = read_one(json.dumps(event()).replace("{", f'{{"cost_factor": {written}, ', 1).encode())
    assert isinstance(report, UsageReport)
    assert report.cost_factor == Decimal(expected)
    assert '"-0"' not in report.body()


COUNTS = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
NO_COUNTS = [
    pytest.param(-1, id="negative"),
    pytest.param(10**9 + 1, id="more than the most"),
    pytest.param(2**53 + 1, id="2^53 + 1"),
    pytest.param(2**63, id="2^63"),
    pytest.param(10**39, id="40 digits"),
    pytest.param(1.0, id="1.0"),
    pytest.param(1e3, id="1e3"),
    pytest.param("1", id="text"),
    pytest.param(True, id="true"),
    pytest.param(None, id="null"),
    pytest.param([1], id="a list"),
    pytest.param({}, id="an object"),
    pytest.param(float("nan"), id="NaN"),
    pytest.param(float("inf"), id="Infinity"),
]


@pytest.mark.parametrize("field", COUNTS)
@pytest.mark.parametrize("value", NO_COUNTS)
def test_a_count_is_a_whole_number_within_bounds(field: str, value: object) -> None:
    assert refused(event(**{field: value})).id in {"r-1", None}


def test_a_person_is_named_by_username_or_by_email_address() -> None:
    longest = f"{'a' * 64}@{'b' * 185}.org"
    assert taken(event(username="M\u00e4ra@Example.org")).username == "m\u00e4ra@example.org"
    assert taken(event(username=longest)).username == longest
    assert taken(event(username="a" * 64)).username == "a" * 64
    assert refused(event(username=f"b{longest}")).reason == "username has at most 254 characters."
    assert refused(event(username="a" * 65)).reason == "username: A user name has at most 64 characters."


TEXTS = {"id": 256, "model": 200, "mode": 64, "status": 64, "template": 64, "session_id": 256, "username": 64}
NO_TEXTS = [
    pytest.param("", id="empty"),
    pytest.param(5, id="a number"),
    pytest.param(True, id="true"),
    pytest.param(["x"], id="a list"),
    pytest.param({"x": 1}, id="an object"),
    pytest.param("a\x00b", id="NUL"),
    pytest.param("a\nb", id="a line break"),
    pytest.param("a\x1b[31m", id="an escape"),
    pytest.param("a\ud800", id="a lone surrogate"),
    pytest.param("x" * 1_000_000, id="a million characters"),
]


@pytest.mark.parametrize("field", TEXTS)
@pytest.mark.parametrize("value", NO_TEXTS)
def test_a_text_is_one_bounded_line(field: str, value: object) -> None:
    assert "x" * 100 not in refused(event(**{field: value})).reason


@pytest.mark.parametrize(("field", "longest"), TEXTS.items())
def test_a_text_may_be_as_long_as_its_column(field: str, longest: int) -> None:
    assert getattr(taken(event(**{field: "x" * longest})), field) == "x" * longest
    assert f"{longest} characters" in refused(event(**{field: "x" * (longest + 1)})).reason


@pytest.mark.parametrize("field", [field for field in TEXTS if field != "id"])
def test_text_is_measured_in_composed_form(field: str) -> None:
    assert "characters" in refused(event(**{field: "\u0958" * TEXTS[field]})).reason


@pytest.mark.parametrize("field", ["id", "model", "mode", "prompt_tokens", "completion_tokens"])
def test_missing_field_is_refused_by_name(field: str) -> None:
    assert refused(event(**{field: ...})).reason == f"{field} is missing."


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        pytest.param(event(colour="red"), "There is no field called colour.", id="an unknown field"),
        pytest.param(event(**{SECRET: 1}), "There is a field that is not known here.", id="a secret as a field"),
        pytest.param(event(api_key=SECRET), "Say exactly one of", id="a key and a name"),
        pytest.param(by_key(api_key=""), "api_key must not be empty.", id="an empty key"),
        pytest.param(by_key(api_key="x" * 257), "api_key has at most 256", id="a key that is too long"),
        pytest.param(by_key(api_key=5), "api_key must be text.", id="a number as key"),
        pytest.param(by_key(api_key_hash="5e"), "64 hexadecimal digits", id="a short digest"),
        pytest.param(by_key(api_key_hash="x" * 64), "64 hexadecimal digits", id="a digest that is none"),
        pytest.param(by_key(api_key_hash="\u0660" * 64), "64 hexadecimal digits", id="other digits"),
        pytest.param(event(cached_tokens=101), "cached_tokens cannot be more", id="more cached than prompt"),
        pytest.param(
            event(reasoning_tokens=21), "reasoning_tokens cannot be more", id="more reasoning than completion"
        ),
        pytest.param(event(latency_ms=-1), "latency_ms must be at least 0.", id="a negative latency"),
        pytest.param(event(latency_ms=10**10), "latency_ms must be at most", id="months of latency"),
        pytest.param(event(latency_ms=1.5), "latency_ms must be a whole number.", id="half a millisecond"),
        pytest.param(event(requested_at="2026-11-22T10:00:00"), "requested_at: An instant", id="no offset"),
        pytest.param(event(requested_at="2026-11-22T23:59:60Z"), "requested_at: There is no such", id="a leap second"),
        pytest.param(event(requested_at="9999-12-31T23:59:59Z"), "requested_at: An instant lies", id="year 9999"),
        pytest.param(event(requested_at=1_763_805_600), "requested_at: An instant", id="seconds since 1970"),
        pytest.param("an event", "An event is a JSON object.", id="text"),
        pytest.param(5, "An event is a JSON object.", id="a number"),
        pytest.param(None, "An event is a JSON object.", id="null"),
        pytest.param([event()], "An event is a JSON object.", id="an array in the array"),
    ],
)
def test_an_event_that_contradicts_itself_is_refused(values: Any, reason: str) -> None:
    found = refused(values).reason
    assert reason in found
    assert SECRET not in found


def test_event_may_name_nobody() -> None:  # who may send it, the reporter decides
    report = taken(event(username=...))
    assert (report.key_hash, report.username) == (None, None)


@pytest.mark.parametrize(
    "factor",
    [
        -1,
        "-1",
        1001,
        "1000.1",
        10**30,
        "0.0000000000001",
        0.1 + 0.2,
        "1e2",
        " 1",
        "",
        "1,5",
        "NaN",
        "\u0663",
        True,
        [],
        {},
    ],
    ids=repr,
)
def test_a_cost_factor_is_a_plain_number_within_bounds(factor: object) -> None:
    assert refused(event(cost_factor=factor)).reason.startswith("cost_factor: A cost factor")


def test_one_bad_event_in_an_array_does_not_stop_the_others() -> None:
    good, other = json.dumps(event()), json.dumps(event(id="r-2"))
    twice = good.replace("{", '{"mode": "x", ', 1)
    not_a_number = good.replace("100", "NaN")
    surrogate = good.replace("alice", "\\ud800")
    body = f"[{good}, {twice}, null, {not_a_number}, {surrogate}, 17, {other}]".encode()
    assert [read.id for read in read_events(body) if isinstance(read, UsageReport)] == ["r-1", "r-2"]


LINES = [
    pytest.param(b"{broken", id="broken JSON"),
    pytest.param(b"\xff\xfe", id="no UTF-8"),
    pytest.param(b"[" * 1000, id="nesting"),
    pytest.param(b'{"id": "a", "id": "a"}', id="a field given twice"),
    pytest.param(b"null", id="null"),
    pytest.param(b'{"id": "' + b"x" * LONGEST_LINE + b'"}', id="a line that is too long"),
]


@pytest.mark.parametrize("line", LINES)
def test_one_bad_line_does_not_stop_the_others(line: bytes) -> None:
    body = b"\n".join([json.dumps(event()).encode(), line, b"", b"  \r", json.dumps(event(id="r-2")).encode()])
    first, bad, last = read_events(body, lines=True)
    assert (first.id, last.id) == ("r-1", "r-2")
    assert isinstance(bad, Rejected)
    assert bad.id is None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param([event(), event(id="r-2")], id="whole lines"),
        pytest.param([event(), {"id": 5}], id="a bad last line"),
        pytest.param([{"id": 5}, event()], id="a bad first line"),
        pytest.param([{}, {}, event()], id="empty objects"),
    ],
)
def test_lines_are_recognised_without_being_announced(body: list[dict[str, Any]]) -> None:
    lines = "\r\n".join(map(json.dumps, body)) + "\n"
    assert len(read_events(lines.encode())) == len(body)


def test_broken_line_is_rejected_alone_in_a_json_body() -> None:
    for lines in ("{good}\n{bad", "{bad\n{good}", "{good}\nbad", "{good}\n{bad\n{good}"):
        body = lines.replace("{good}", json.dumps(event())).encode()
        assert isinstance(read_events(body)[lines.split("\n").index("{good}")], UsageReport)


def test_an_event_may_be_written_over_several_lines() -> None:
    assert read_one(json.dumps(event(), indent=2).encode()).id == "r-1"
    assert len(read_events(json.dumps([event(), event()], indent=2).encode())) == 2


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"5", id="a number"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"null", id="null"),
        pytest.param(json.dumps(event(), indent=2).encode()[:-2], id="an event that is cut off"),
        pytest.param(b'[{"id": "a"}', id="an array that is cut off"),
        pytest.param(b'[{"id": "a"} {"id": "b"}]', id="an array without a comma"),
        pytest.param(b"[" * 100_000, id="100,000 levels"),
        pytest.param(b'[{"a":' * 50_000, id="100,000 levels of both kinds"),
        pytest.param(b'\xef\xbb\xbf{"id": "a"}', id="a byte order mark"),
        pytest.param(json.dumps([event()]).encode("utf-16"), id="UTF-16"),
        pytest.param(b"model=qwen3&prompt_tokens=5", id="a form"),
        pytest.param(b"\x1f\x8b\x08\x00", id="compressed"),
    ],
)
def test_body_without_json_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(PortalError) as found:
        read_events(body)
    assert found.value.status == 400


@pytest.mark.parametrize(("body", "lines"), [(b"[]", False), (b" [ ] ", False), (b"", True), (b" \n\r\n\t ", True)])
def test_an_empty_batch_is_no_batch(body: bytes, lines: bool) -> None:
    with pytest.raises(InvalidInput):
        read_events(body, lines=lines)


def test_a_batch_has_an_end() -> None:
    array = b"[" + b",".join([b"{}"] * MOST_EVENTS)
    assert len(read_events(array + b"]")) == MOST_EVENTS
    with pytest.raises(TooLarge):
        read_events(array + b",{}]")
    assert len(read_events(b"{}\n" * MOST_LINES, lines=True)) == MOST_LINES
    with pytest.raises(TooLarge):
        read_events(b"{}\n" * (MOST_LINES + 1), lines=True)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        pytest.param(b"[" + b"1," * 4_999_999 + b"1]", False, id="five million numbers"),
        pytest.param(b"\n" * 10_000_000, True, id="ten million empty lines"),
        pytest.param(b"1\n" * 5_000_000, True, id="five million lines"),
        pytest.param(b'[{"id": "' + b"x" * 9_999_000 + b'"}]', False, id="one very long id"),
        pytest.param(b"[{" + b'"":1,' * 400_000 + b'"":1}]', False, id="half a million fields"),
        pytest.param(b"[" + b" " * 9_999_998 + b"]", False, id="ten million spaces"),
        pytest.param(b"[" * 10_000_000, False, id="ten million levels"),
        pytest.param(b"9" * 10_000_000, False, id="ten million digits"),
        pytest.param(b"{" * 10_000_000, False, id="ten million braces"),
        pytest.param(b"\n{" * 5_000_000, False, id="five million lines that are not announced"),
    ],
)
def test_nonsense_is_refused_with_little_work(body: bytes, lines: bool) -> None:
    try:
        with at_most_calls(20_000):
            read = read_events(body, lines=lines)
        assert all(isinstance(each, Rejected) for each in read)
    except PortalError as error:
        assert error.status in {400, 413, 422}  # noqa: PT017  # either answer is fine, a crash is not


@given(st.binary(max_size=300), st.booleans())
def test_no_bytes_do_anything_else_than_being_refused(body: bytes, lines: bool) -> None:
    try:
        assert all(isinstance(read, Rejected) for read in read_events(body, lines=lines))
    except PortalError as error:
        assert error.status in {400, 422}  # noqa: PT017  # either answer is fine, a crash is not


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.text(max_size=5), SCALARS, max_size=3)
FIELDS = dict.fromkeys([*SMALL, "cost_factor", "requested_at", "colour"], VALUES)


@given(st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=5))
def test_no_values_do_anything_else_than_being_refused(events: list[dict[str, Any]]) -> None:
    body = json.dumps([*events, event(id="the good one")]).encode()
    assert read_events(body)[-1].id == "the good one"
