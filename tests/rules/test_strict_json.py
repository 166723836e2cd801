import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.rules.strict_json import Flaw, MalformedJson, decode, read_items, read_json, read_lines, split_lines
from tests.work import at_most_calls

REFUSED = [
    pytest.param(b"", "line 1, column 1", id="nothing"),
    pytest.param(b"   ", "line 1, column 4", id="only spaces"),
    pytest.param(b'{"a": 1', "line 1", id="cut off"),
    pytest.param(b'{"a": 1} {"a": 2}', "after the end", id="two documents"),
    pytest.param(b'{"a": 1, "a": 2}', "twice", id="a name given twice"),
    pytest.param(b'{"a": {"b": 1, "b": 1}}', "twice", id="a name given twice deep inside"),
    pytest.param(b'{"a": NaN}', "NaN is not JSON", id="NaN"),
    pytest.param(b'{"a": -Infinity}', "-Infinity is not JSON", id="minus infinity"),
    pytest.param(b"[1e999]", "too large", id="a number that would become infinite"),
    pytest.param(b"[1e-999]", "too small", id="a number that would become zero"),
    pytest.param(b"[1e99999999999999999999]", "too large", id="an exponent beyond all decimals"),
    pytest.param(b"[" + b"9" * 4000 + b"]", "too many digits", id="4,000 digits"),
    pytest.param(b"[0." + b"9" * 4000 + b"]", "too many digits", id="4,000 decimals"),
    pytest.param(b'["\\ud800"]', "lone surrogate", id="a lone surrogate"),
    pytest.param(b'{"\\udfff": 1}', "lone surrogate", id="a lone surrogate in a name"),
    pytest.param(b'["a\\u0000b"]', "NUL", id="an escaped NUL"),
    pytest.param(b'["a\x00b"]', "column", id="a bare NUL"),
    pytest.param(b'["a\nb"]', "column", id="a bare line break in a text"),
    pytest.param(b'["\xff"]', "not UTF-8", id="no UTF-8"),
    pytest.param(b'["\xed\xa0\x80"]', "not UTF-8", id="a surrogate in UTF-8"),
    pytest.param('{"a": 1}'.encode("utf-16"), "not UTF-8", id="UTF-16 with its mark"),
    pytest.param('{"a": 1}'.encode("utf-16-le"), "column", id="UTF-16 without"),
    pytest.param(b'\xef\xbb\xbf{"a": 1}', "byte order mark", id="a byte order mark"),
    pytest.param(b"[" * 100_000, "too deeply", id="100,000 levels of arrays"),
    pytest.param(b'{"a":' * 100_000, "too deeply", id="100,000 levels of objects"),
    pytest.param(b"[" * 100_000 + b"]" * 100_000, "too deeply", id="100,000 levels that end"),
    pytest.param(b"{'a': 1}", "column", id="other quotes"),
    pytest.param(b"[1,]", "column", id="a comma too many"),
    pytest.param(b"// hello\n1", "column", id="a comment"),
    pytest.param(b"[01]", "column", id="a leading zero"),
    pytest.param(b"[+1]", "column", id="a plus sign"),
]


@pytest.mark.parametrize(("body", "reason"), REFUSED)
def test_unclear_json_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(MalformedJson, match=reason), at_most_calls(100):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b' {"a": [1, -0, true, null, "x"]}\r\n\t', {"a": [1, 0, True, None, "x"]}, id="the usual"),
        pytest.param(b"0.1", Decimal("0.1"), id="a fraction stays exact"),
        pytest.param(b"1.50", Decimal("1.50"), id="a decimal keeps its zeros"),
        pytest.param(b"1e2", Decimal(100), id="an exponent"),
        pytest.param(b"18446744073709551616", 2**64, id="more than 64 bits"),
        pytest.param(b'"\\ud83d\\ude00"', "\U0001f600", id="a pair of surrogates is one character"),
        pytest.param('"ü\U0001f600"'.encode(), "ü\U0001f600", id="UTF-8"),
        pytest.param(b"[" * 200 + b"]" * 200, None, id="some nesting"),
    ],
)
def test_valid_json_is_read_exactly(body: bytes, value: object) -> None:
    read = read_json(body)
    assert value is None or read == value


@given(st.recursive(st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(), st.lists, max_leaves=20))
def test_json_of_another_program_is_read_back(value: object) -> None:
    def flawless(part: object) -> bool:
        return all(map(flawless, part)) if isinstance(part, list) else not isinstance(part, str) or "\x00" not in part

    if flawless(value):
        assert read_json(json.dumps(value).encode()) == value


@given(st.binary(max_size=200))
def test_random_bytes_are_read_or_refused(body: bytes) -> None:
    with suppress(MalformedJson):
        read_json(body)


def test_items_of_an_array_are_refused_one_by_one() -> None:
    items = list(read_items(b'[ {"a": 1} , {"a": 1, "a": 2}, "\\ud800", NaN, 5 ]'))
    assert items[0] == {"a": 1}
    assert [isinstance(item, Flaw) for item in items] == [False, True, True, True, False]


def test_empty_array_has_no_items() -> None:
    assert list(read_items(b" [ ] ")) == []


def test_items_after_an_early_stop_are_not_read() -> None:
    items = read_items(b"[1, 2, and this is no JSON")
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(MalformedJson):
        next(items)


@pytest.mark.parametrize("body", [b"[1 2]", b"[1,]", b"[1", b"[1]]", b"[1] x", b"[", b"[,1]"])
def test_malformed_array_is_refused_as_a_whole(body: bytes) -> None:
    with pytest.raises(MalformedJson):
        list(read_items(body))


def test_refused_line_does_not_stop_the_others() -> None:
    body = b'{"a": 1}\n\n {"a": NaN} \r\n[' + b"1," * 50 + b"1]\n\xff\n{\n" + b'"\\u0000"\ntrue'
    values = list(read_lines(split_lines(body, 20), 100))
    assert (values[0], values[-1]) == ({"a": 1}, True)
    assert [isinstance(value, Flaw) for value in values] == [False, True, True, True, True, True, False]


def test_split_stops_after_the_most_lines_plus_one() -> None:
    assert split_lines(b"\n1 \r\n\n 2\n3\n4\n", 2) == [b"1 \r", b"2", b"3"]


def test_escaped_backslash_before_u_is_a_backslash() -> None:
    assert read_json(rb'"\\u0000 \\ud800"') == r"\u0000 \ud800"


def test_body_with_too_many_values_is_not_parsed() -> None:
    with pytest.raises(MalformedJson, match="too many values"):
        read_json(b"[" + b"1," * 600_000 + b"1]")


def test_reason_never_repeats_the_input() -> None:
    with pytest.raises(MalformedJson) as refused:
        read_json(b'{"password": "moe-sk-secret" "x"}')
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_text_is_decoded_exactly() -> None:
    assert decode("ü".encode()) == "ü"
