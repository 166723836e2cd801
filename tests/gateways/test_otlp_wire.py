"""Bodies of OTLP: read like the generated classes would, never by more than is wanted, whatever they hold."""

import json
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Status
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

from portal.errors import PortalError, TooLarge
from portal.gateways import otlp_wire
from portal.gateways.otlp_wire import MOST_FIELDS, MOST_ITEMS, MOST_TOKENS, Span, WantedAttributes, read_spans
from portal.rules.metering.usage import Rejected
from tests.gateways.otlp_bodies import NOON, TRACE, Sent, in_json, in_protobuf
from tests.work import at_most_calls

WANTED = WantedAttributes({"a", "b", "é"})
UNREADABLE = Rejected(None, "The span cannot be read.")


def read(body: bytes, *, is_json: bool = False) -> list[Span | Rejected]:
    return list(read_spans(body, WANTED, is_json=is_json))


def field(number: int, content: bytes) -> bytes:
    """Return a field of bytes as protobuf writes it."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(number: int) -> bytes:
    lower, more = number & 127, number >> 7
    return bytes([lower | 128]) + varint(more) if more else bytes([lower])


def request(*spans: bytes) -> bytes:
    return field(1, field(2, b"".join(field(2, span) for span in spans)))


BROKEN = field(1, b"a") + field(2, field(1, b"\xff"))
"""A wanted attribute that is not UTF-8."""


@pytest.mark.parametrize("is_json", [False, True])
def test_span_has_the_wanted_attributes_only(is_json: bool) -> None:
    sent = Sent({"a": 1, "c": 2, "é": "ü"}, parent="bb" * 8, code=2)
    body = (in_json if is_json else in_protobuf)(sent, resource={"a": 5, "b": 0.5, "c": "no"})
    attributes = {"a": "1" if is_json else 1, "b": 0.5, "é": "ü"}
    assert read(body, is_json=is_json) == [
        Span(TRACE, "eee19b7ec3c1b174", "bb" * 8, NOON, NOON + 1_500_000_000, has_failed=True, attributes=attributes)
    ]


@pytest.mark.parametrize(
    ("body", "is_json"), [(b"", False), (b"{}", True), (b'\xef\xbb\xbf{"resourceSpans":null}', True)]
)
def test_a_request_without_spans_is_one(body: bytes, is_json: bool) -> None:
    assert read(body, is_json=is_json) == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"hello", id="text"),
        pytest.param(in_json(Sent({})), id="JSON"),
        pytest.param(b"\xff" * 20, id="a number without end"),
        pytest.param(in_protobuf(Sent({"a": 1}))[:-1], id="cut short"),
        pytest.param(field(1, field(2, b"\x12\x7f")), id="a span longer than its list"),
        pytest.param(b"\x0b\x0c", id="a group"),
        pytest.param(b"\x00\x00", id="field 0"),
        pytest.param(b"\x0a", id="no length"),
        pytest.param(b"\x0d\x00\x00", id="half a number"),
        pytest.param(field(1, field(1, field(1, BROKEN)) + field(2, field(2, b""))), id="a resource that is not UTF-8"),
    ],
)  # fmt: skip
def test_body_without_protobuf_is_refused(body: bytes) -> None:
    with pytest.raises(PortalError, match=r"The body is no OTLP request in protobuf\."):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[]",
        b"1",
        b"null",
        b'{"resourceSpans":{}}',
        b'{"resourceSpans":[1]}',
        b'{"resourceSpans":[{"scopeSpans":"no"}]}',
        b'{"resourceSpans":[{"scopeSpans":[{"spans":7}]}]}',
        b'{"resourceSpans":[',
        b'{"a":' * 100_000,
        b"\xff\xfe{\x00}\x00",
        in_protobuf(Sent({"a": 1})),
    ],
)
def test_body_without_json_is_refused(body: bytes) -> None:
    with pytest.raises(PortalError, match=r"The body is no OTLP request in JSON\."):
        read(body, is_json=True)


def test_a_span_that_alone_cannot_be_read_is_rejected_alone() -> None:
    assert read(request(field(9, BROKEN), b"")) == [UNREADABLE, Span("", "", "", 0, 0, has_failed=False, attributes={})]
    assert read(b'{"resourceSpans":[{"scopeSpans":[{"spans":[1,{}]}]}]}', is_json=True)[0] == UNREADABLE


def test_texts_that_nobody_wants_may_hold_anything() -> None:
    unwanted = field(9, field(1, b"prompt") + field(2, field(1, b"\xff"))) + field(5, b"\xff") + field(11, b"\xff")
    assert read(request(unwanted)) == [Span("", "", "", 0, 0, has_failed=False, attributes={})]
    [span] = read(in_json(Sent({"a": 1, "prompt": "HERE"})).replace(b"HERE", b"\xff\\ud800\\u0000"), is_json=True)
    assert isinstance(span, Span)
    assert span.attributes == {"a": "1"}


def in_hand(**span: Any) -> Span:
    """Return a span that was written in JSON by hand, as it is read."""
    [found] = read(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode(), is_json=True)
    assert isinstance(found, Span)
    return found


def test_json_is_taken_as_the_protocol_has_it() -> None:
    assert in_hand(traceId=TRACE.upper()).trace_id == TRACE
    assert in_hand(startTimeUnixNano=5).start == in_hand(startTimeUnixNano="5").start == 5
    assert in_hand(traceId="W47/95gDgQPSabYzgT/GDA==", spanId="7uGbfsPBsXQ=", span_id="ab" * 8).span_id == ""
    assert in_hand(status={"code": 2}).has_failed
    assert in_hand(status={"code": "STATUS_CODE_ERROR"}).has_failed
    assert not in_hand(status={"code": 1}).has_failed


@pytest.mark.parametrize("value", [-1, 2**64, 1.5, True, None, "", "-1", "1e3", "٣", "1" * 30, [], {}])
def test_an_instant_that_is_none_is_absent(value: Any) -> None:
    assert in_hand(startTimeUnixNano=value).start == 0


@pytest.mark.parametrize(
    "attributes",
    [
        7,
        {},
        [7],
        [{"key": "a"}],
        [{"key": ["a"], "value": {"intValue": 1}}],
        [{"key": "a", "value": {}}],
        [{"key": "a", "value": None}],
    ],
)
def test_an_attribute_without_key_or_value_is_none(attributes: Any) -> None:
    assert in_hand(attributes=attributes).attributes == {}


@pytest.mark.parametrize(
    "value",
    [
        1,
        {"boolValue": True},
        {"stringValue": [1]},
        {"intValue": None},
        {"arrayValue": {"values": [{"intValue": "1"}]}},
        {"stringValue": "x" * 5_000},
    ],
)
def test_attribute_of_another_type_is_present_but_empty(value: Any) -> None:
    assert in_hand(attributes=[{"key": "a", "value": value}]).attributes == {"a": ""}


@pytest.mark.parametrize("value", [True, "x" * 5_000])
def test_so_it_is_in_protobuf(value: Any) -> None:
    [span] = read(in_protobuf(Sent({"a": value, "c": value})))
    assert isinstance(span, Span)
    assert span.attributes == {"a": ""}


def test_a_number_that_nobody_can_mean_stays_a_text() -> None:
    assert read(in_json(Sent({})).replace(b'"attributes": []', b'"attributes": [{"key":"a","value":{"intValue":'
                + b"9" * 4_000 + b"}}]"), is_json=True)[0].attributes == {"a": "9" * 20}  # type: ignore[union-attr]  # fmt: skip


ATTRIBUTES = st.dictionaries(
    st.sampled_from(["a", "b", "c", "é", ""]),
    st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=5) | st.booleans(),
)
IDS = st.sampled_from([b"", bytes(16), b"\x01" * 16, b"\x01" * 8, bytes(8), b"x"])


@st.composite
def requests(draw: st.DrawFn) -> ExportTraceServiceRequest:
    """Draw requests as any program might send them."""
    sent = ExportTraceServiceRequest()
    for resource, scopes in draw(st.lists(st.tuples(ATTRIBUTES, st.integers(0, 2)), max_size=3)):
        group = sent.resource_spans.add(schema_url="x")
        fill(group.resource.attributes, resource)
        for _ in range(scopes):
            scope = group.scope_spans.add()
            for values in draw(st.lists(ATTRIBUTES, max_size=3)):
                span = scope.spans.add(trace_id=draw(IDS), span_id=draw(IDS), parent_span_id=draw(IDS), name="é")
                fill(span.attributes, values)
                span.start_time_unix_nano, span.end_time_unix_nano = draw(st.integers(0, 2**64 - 1)), 7
                span.status.code = draw(st.sampled_from(Status.StatusCode.values()))
                fill(span.events.add().attributes, values)
    return sent


def fill(attributes: Any, values: dict[str, Any]) -> None:
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    for key, value in values.items():
        setattr(attributes.add(key=key).value, kinds[type(value)], value)


def as_generated(sent: ExportTraceServiceRequest) -> list[Span]:
    """Return what the generated classes read of a request."""
    return [
        Span(
            proper(span.trace_id, 16),
            proper(span.span_id, 8),
            proper(span.parent_span_id, 8),
            span.start_time_unix_nano,
            span.end_time_unix_nano,
            span.status.code == Status.STATUS_CODE_ERROR,
            plain(group.resource.attributes) | plain(span.attributes),
        )
        for group in sent.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    ]


def proper(id: bytes, length: int) -> str:
    return id.hex() if len(id) == length and any(id) else ""


def plain(attributes: Any) -> dict[str, Any]:
    kinds = [(each, each.value.WhichOneof("value")) for each in attributes if each.key in WANTED]
    taken = {"string_value", "int_value", "double_value"}
    return {each.key: getattr(each.value, kind) if kind in taken else "" for each, kind in kinds if kind is not None}


@given(sent=requests())
def test_protobuf_is_read_as_the_generated_classes_read_it(sent: ExportTraceServiceRequest) -> None:
    assert read(sent.SerializeToString()) == as_generated(sent)


@given(sent=requests(), more=requests(), at=st.integers(0), byte=st.integers(0, 255))
def test_a_changed_byte_is_never_more_than_a_refusal(
    sent: ExportTraceServiceRequest, more: ExportTraceServiceRequest, at: int, byte: int
) -> None:
    body = bytearray(sent.SerializeToString() + more.SerializeToString())
    if body:
        body[at % len(body)] = byte
    try:
        found = read(bytes(body))
    except PortalError:
        return
    try:
        expected = as_generated(ExportTraceServiceRequest.FromString(bytes(body)))
    except DecodeError:  # in fields that are skipped here
        return
    assert found == expected


@given(body=st.binary(max_size=200), is_json=st.booleans())
def test_any_bytes_are_read_or_refused(body: bytes, is_json: bool) -> None:
    with suppress(PortalError):
        read(body, is_json=is_json)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value", "intValue",
                         "traceId", "status", "code", "startTimeUnixNano"]), inner | st.just("a"), max_size=4,
    ),
    max_leaves=30,
)  # fmt: skip


@given(group=st.lists(JSON | st.fixed_dictionaries({"scopeSpans": JSON, "resource": JSON}), max_size=2), span=JSON)
def test_any_json_is_read_or_refused(group: list[Any], span: Any) -> None:
    groups = [{"scopeSpans": [{"spans": [span]}]}, *group]
    with suppress(PortalError):
        read(json.dumps({"resourceSpans": groups}).encode(), is_json=True)


LARGE = 1_000_000
BOMBS = [
    pytest.param(b"\x0a\x00" * (LARGE // 2), False, id="groups without anything"),
    pytest.param(field(1, field(1, b"\x0a\x00" * (LARGE // 2))), False, id="attributes of a resource"),
    pytest.param(request(b"\x4a\x00" * (LARGE // 2)), False, id="attributes of a span"),
    pytest.param(request(b"\x78\x01" * (LARGE // 2)), False, id="fields that nobody knows"),
    pytest.param(field(1, b"\x12\x00" * (LARGE // 2)), False, id="scopes"),
    pytest.param(field(1, field(2, b"\x12\x00" * (LARGE // 2))), False, id="spans"),
    pytest.param(b"[" * LARGE, True, id="lists in lists"),
    pytest.param(b'{"resourceSpans":[' + b"{}," * (LARGE // 3) + b"{}]}", True, id="objects"),
    pytest.param(b'{"resourceSpans":[' + b"1," * (LARGE // 2) + b"1]}", True, id="numbers"),
    pytest.param(b'{"resourceSpans":[{"scopeSpans":[{"spans":[' + b"{}," * LARGE, True, id="spans in JSON"),
]


@pytest.mark.parametrize(("body", "is_json"), BOMBS)
def test_more_than_can_be_meant_is_refused_in_little_memory(
    body: bytes, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp_wire, "MOST_FIELDS", 50_000)
    monkeypatch.setattr(otlp_wire, "MOST_TOKENS", 50_000)
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge):
            read(body, is_json=is_json)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_skipped_fields_are_not_decoded() -> None:
    prompt = field(9, field(1, b"prompt") + field(2, field(1, b"x" * LARGE)))
    nested = field(9, field(1, b"a") + field(2, b"\x2a\x00" * (LARGE // 2)))
    tracemalloc.start()
    try:
        body = request(prompt, nested)
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        assert [type(span) for span in read(body)] == [Span, Span]
        assert tracemalloc.get_traced_memory()[1] - before < 10_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("body", [b'"' + b'\\"' * 2_000_000, b'"\\' * 2_000_000, b'{"a":"' + b"\\" * 2_000_000])
def test_text_without_end_is_refused_with_little_work(body: bytes) -> None:
    with pytest.raises(PortalError), at_most_calls(1_000):
        read(body, is_json=True)


def test_as_many_spans_as_are_allowed() -> None:
    assert len(read(request(*[b""] * MOST_ITEMS))) == MOST_ITEMS
    with pytest.raises(TooLarge, match="at most 10,000 spans"):
        read(request(*[b""] * (MOST_ITEMS + 1)))
    with pytest.raises(TooLarge, match="at most 10,000 spans"):
        read(in_json(*[Sent({})] * (MOST_ITEMS + 1)), is_json=True)
    assert MOST_FIELDS >= MOST_ITEMS * 100
    assert MOST_TOKENS >= MOST_ITEMS * 100


def test_every_span_may_have_a_resource_of_its_own_and_no_more() -> None:
    with pytest.raises(TooLarge):
        read(field(1, b"") * (MOST_FIELDS // 20))
    group = ResourceSpans(scope_spans=[ScopeSpans(spans=[Message(span_id=b"\x01" * 8)])])
    assert len(read(field(1, group.SerializeToString()) * MOST_ITEMS)) == MOST_ITEMS
