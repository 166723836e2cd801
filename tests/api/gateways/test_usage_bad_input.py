"""What gateways send that is not usage: refused with a reason, the same on both databases, and never a 5xx."""

import gzip
import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from portal.actions.metering.verification import verify_account
from portal.db.metering.events import count_events
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import settings
from tests.api.conftest import event, everything
from tests.queries import count_held

Post = Callable[..., Any]
LINES = {"Content-Type": "application/x-ndjson"}
JSON = {"Content-Type": "application/json"}
ALLOWED = 50_000_000
"""Bytes of memory that a body of ten million bytes may take while it is read."""

both = pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])


@pytest.fixture
def used(alice: Account, post_usage: Post) -> Account:
    """Alice, with one event; the first in a process takes longer, since every statement is put together."""
    post_usage(json=event("first"))
    return alice


def written(field: str, raw: str, **changes: Any) -> bytes:
    """Return an event with a field written exactly so."""
    return json.dumps(event("bad", **changes) | {field: "HERE"}).replace('"HERE"', raw).encode("utf-8", "surrogatepass")


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


BAD_NUMBERS = [
    pytest.param("-1", "at least 0", id="-1"),
    pytest.param(str(2**53 + 1), "at most", id="2^53 + 1"),
    pytest.param(str(2**63), "at most", id="2^63"),
    pytest.param("9" * 4000, "too many digits", id="4,000 digits"),
    pytest.param("1.0", "whole number", id="1.0"),
    pytest.param("1e0", "whole number", id="1e0"),
    pytest.param('"1"', "whole number", id="text"),
    pytest.param("true", "whole number", id="true"),
    pytest.param("null", "whole number", id="null"),
    pytest.param("NaN", "NaN is not JSON", id="NaN"),
    pytest.param("Infinity", "Infinity is not JSON", id="Infinity"),
    pytest.param("-Infinity", "-Infinity is not JSON", id="-Infinity"),
    pytest.param("1e999", "too large", id="1e999"),
    pytest.param("[1]", "whole number", id="a list"),
]
BAD_TEXTS = [
    pytest.param("model", '"a\\u0000b"', "NUL", id="NUL"),
    pytest.param("id", '"a\\u0000b"', "NUL", id="NUL in an id"),
    pytest.param("model", '"\\ud800"', "surrogate", id="a lone surrogate"),
    pytest.param("id", '"\\udfff"', "surrogate", id="a lone surrogate in an id"),
    pytest.param("id", '""', "empty", id="an empty id"),
    pytest.param("id", "5", "text", id="a number as id"),
    pytest.param("model", json.dumps("x" * 201), "at most 200", id="a long model"),
    pytest.param("mode", '"a\\nb"', "control", id="a line break"),
    pytest.param("requested_at", '"2026-11-22T10:00:00"', "requested_at", id="an instant without zone"),
    pytest.param("requested_at", '"2026-11-22"', "requested_at", id="a day"),
    pytest.param("requested_at", '"9999-12-31T23:59:59Z"', "requested_at", id="the year 9999"),
    pytest.param("requested_at", '"1970-01-01T00:00:00Z"', "before the year 2000", id="1970"),
    pytest.param("requested_at", '"2026-06-30T23:59:60Z"', "requested_at", id="a leap second"),
    pytest.param("requested_at", '"2026-11-22T10:00:00+25:00"', "requested_at", id="an offset of 25 hours"),
    pytest.param("requested_at", "1763805600", "requested_at", id="seconds"),
    pytest.param("requested_at", '"2026-11-22T14:10:01Z"', "more than 5 minutes", id="five minutes and a second ahead"),
    pytest.param("colour", '"red"', "colour", id="an unknown field"),
    pytest.param("mode", '"native", "mode": "native"', "twice", id="a field twice"),
    pytest.param("cost_factor", '"1001"', "cost factor", id="a factor of 1001"),
    pytest.param("session_id", nested(500), "session_id", id="500 levels"),
]
BAD_FIELDS = [pytest.param("prompt_tokens", *case.values, id=case.id) for case in BAD_NUMBERS] + BAD_TEXTS


@both
@pytest.mark.parametrize(("field", "raw", "reason"), BAD_FIELDS)
@pytest.mark.parametrize("form", ["array", "lines"])
def test_one_bad_event_is_rejected_and_the_others_count(
    used: Account, post_usage: Post, db: Database, form: str, field: str, raw: str, reason: str
) -> None:
    batch = [json.dumps(event("a")).encode(), written(field, raw), json.dumps(event("b")).encode()]
    body = b"[" + b",".join(batch) + b"]" if form == "array" else b"\n".join(batch)
    answer = post_usage(content=body, headers=JSON if form == "array" else LINES)
    assert [result["result"] for result in answer.json()["results"]] == ["accepted", "rejected", "accepted"]
    assert reason in answer.json()["results"][1]["error"]
    counted(db, used, 3)


@both
@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(json.dumps(event("bad")).encode("utf-16-be"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + json.dumps(event("bad")).encode(), id="a byte order mark"),
        pytest.param(written("model", '"\ud800"'), id="half a character in UTF-8"),
        pytest.param(b"{broken", id="broken"),
        pytest.param(b"[" * 60_000, id="60,000 levels"),
        pytest.param(b"[" * 100_000, id="100,000 levels"),
        pytest.param(written("id", json.dumps("x" * 1_000_000)), id="an id of a million characters"),
        pytest.param(b"null", id="null"),
    ],
)
def test_one_bad_line_is_rejected_and_the_others_count(
    used: Account, post_usage: Post, db: Database, line: bytes
) -> None:
    body = b"\n".join([json.dumps(event("a")).encode(), line, json.dumps(event("b")).encode()])
    answer = post_usage(content=body, headers=LINES)
    assert [result["result"] for result in answer.json()["results"]] == ["accepted", "rejected", "accepted"]
    assert answer.json()["results"][1]["error"].endswith(".")
    counted(db, used, 3)


@both
@pytest.mark.parametrize(
    "instant",
    [
        pytest.param("2026-11-23T04:05:00+14:00", id="+14:00"),
        pytest.param("2026-11-22T02:05:00-12:00", id="-12:00"),
        pytest.param("2026-11-22T14:05:00Z", id="Z"),
        pytest.param("2000-01-01T00:00:00Z", id="the first instant that is believed"),
        pytest.param("2026-11-22T14:10:00Z", id="five minutes ahead"),
    ],
)
def test_odd_instants_that_are_proper_count(used: Account, post_usage: Post, db: Database, instant: str) -> None:
    assert post_usage(json=event(requested_at=instant)).json()["accepted"] == 1
    counted(db, used, 2)


REFUSED = [
    pytest.param(b"", JSON, 400, id="nothing"),
    pytest.param(b"[]", JSON, 422, id="an empty array"),
    pytest.param(b"\n\n", LINES, 422, id="empty lines"),
    pytest.param(b"5", JSON, 400, id="a number"),
    pytest.param(b"{", JSON, 400, id="half an object"),
    pytest.param(json.dumps([event()]).encode()[:-1], JSON, 400, id="an array without an end"),
    pytest.param(json.dumps([event(str(n)) for n in range(1001)]).encode(), JSON, 413, id="1,001 events"),
    pytest.param(json.dumps([event(str(n)) for n in range(10_001)]).encode(), JSON, 413, id="10,001 events"),
    pytest.param(b"{}\n" * 10_001, LINES, 413, id="10,001 lines"),
    pytest.param(b"[" * 100_000, JSON, 400, id="100,000 levels"),
    pytest.param(b'{"a":' * 50_000, JSON, 400, id="50,000 levels of objects"),
    pytest.param(json.dumps(event()).encode("utf-16"), JSON, 400, id="UTF-16"),
    pytest.param(b"\xef\xbb\xbf" + json.dumps(event()).encode(), JSON, 400, id="a byte order mark"),
    pytest.param(written("model", '"\ud800"'), JSON, 400, id="half a character in UTF-8"),
    pytest.param(json.dumps(event()).encode(), {"Content-Type": "text/plain"}, 415, id="plain text"),
    pytest.param(json.dumps(event()).encode(), {"Content-Type": ""}, 415, id="no content type"),
    pytest.param(json.dumps(event()).encode(), {"Content-Type": f"{JSON['Content-Type']}; charset=latin-1"}, 415,
                 id="latin-1"),
    pytest.param(json.dumps(event()).encode(), {"Content-Type": "multipart/form-data; boundary=x"}, 415, id="a form"),
    pytest.param(gzip.compress(b" " * 50_000_000), JSON | {"Content-Encoding": "gzip"}, 413, id="a bomb"),
    pytest.param(b"x", JSON | {"Content-Encoding": "deflate"}, 400, id="not deflate"),
    pytest.param(b"x", JSON | {"Content-Encoding": "br, gzip"}, 415, id="several encodings"),
]  # fmt: skip


@both
@pytest.mark.parametrize(("body", "headers", "status"), REFUSED)
def test_what_cannot_be_read_changes_nothing(
    alice: Account, post_usage: Post, db: Database, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = everything(db)
    assert post_usage(content=body, headers=headers).status_code == status
    assert everything(db) == before


MANY = 10_000_000
"""Bytes of the largest body."""
HUGE = [
    pytest.param(b"", b"[", b"", JSON, 400, id="ten million levels"),
    pytest.param(b"", b'{"a":', b"", JSON, 400, id="two million levels of objects"),
    pytest.param(b"[", b"1,", b"1]", JSON, 400, id="five million numbers"),
    pytest.param(b"[", b"[],", b"1]", JSON, 400, id="three million lists"),
    pytest.param(b"{", b'"a":1,', b'"a":1}', JSON, 400, id="a million fields"),
    pytest.param(b'"', b"x", b'"', JSON, 400, id="a text of ten million characters"),
    pytest.param(b"", b"9", b"", JSON, 400, id="a number of ten million digits"),
    pytest.param(b"", b" ", b"", JSON, 400, id="ten million spaces"),
    pytest.param(b"", b"\n", b"", JSON, 400, id="ten million empty lines of JSON"),
    pytest.param(b"", b"\n", b"", LINES, 422, id="ten million empty lines"),
    pytest.param(b"", b"}\n", b"", JSON, 400, id="five million closing braces"),
    pytest.param(b"", b"{\n", b"", JSON, 413, id="five million opening braces"),
    pytest.param(b"[", b" ", b"\xff", JSON, 400, id="no UTF-8, at the end"),
]


def filled(start: bytes, pattern: bytes, end: bytes) -> bytes:
    """Return a body of the largest size, or nearly."""
    return start + pattern * ((MANY - len(start) - len(end)) // len(pattern)) + end


@both
@pytest.mark.parametrize(("start", "pattern", "end", "headers", "status"), HUGE)
def test_largest_nonsense_is_refused(
    alice: Account,
    post_usage: Post,
    db: Database,
    start: bytes,
    pattern: bytes,
    end: bytes,
    headers: dict[str, str],
    status: int,
) -> None:
    before = everything(db)
    assert post_usage(content=filled(start, pattern, end), headers=headers).status_code == status
    assert everything(db) == before


@pytest.mark.parametrize(("start", "pattern", "end", "headers", "status"), HUGE)
def test_memory_is_bounded(
    post_usage: Post, start: bytes, pattern: bytes, end: bytes, headers: dict[str, str], status: int
) -> None:
    body = filled(start, pattern, end)
    tracemalloc.start()
    try:
        assert post_usage(content=body, headers=headers).status_code == status
        assert tracemalloc.get_traced_memory()[1] < ALLOWED
    finally:
        tracemalloc.stop()


@both
def test_a_body_in_pieces_is_counted_as_it_arrives(alice: Account, post_usage: Post, db: Database) -> None:
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        while taken < 2 * MANY:
            taken += 100_000
            yield b" " * 100_000

    before = everything(db)
    assert post_usage(content=endless(), headers=JSON).status_code == 413
    assert everything(db) == before


def counted(db: Database, account: Account, events: int) -> None:
    """Check that so many events are stored, that all sums know, and that nothing was kept aside."""
    with db.reading() as session:
        assert count_events(session) == events
        assert count_held(session) == {}
        assert list(verify_account(session, account.id, settings().budget_zone)) == []
