"""Members that are kept of bodies, and that the others cost nothing."""

import json
from typing import Any

import pytest

from portal.errors import TooLarge
from portal.gateways import lenient_json
from portal.gateways.counts import CountMembers
from portal.gateways.lenient_json import KeptMembers, OptionalMembers, members
from portal.gateways.lenient_values import UnclearValue
from tests.work import at_most_calls

KEPT = KeptMembers("id", "n", meta=KeptMembers("who", usage=CountMembers()), loose=OptionalMembers("code"))


def read(**values: Any) -> dict[str, Any]:
    return members(json.dumps(values).encode(), KEPT)


def test_members_of_members_are_kept() -> None:
    values = {"id": "a", "other": {"id": "b"}, "meta": {"who": "x", "id": 1, "deep": {"who": "y"}}, "n": [1, {"a": 2}]}
    assert read(**values) == {"id": "a", "meta": {"who": "x"}, "n": [1, {"a": 2}]}


def test_an_object_where_members_are_kept_may_be_something_else() -> None:
    assert read(meta=[1], id={"a": {}}) == {"id": {"a": {}}}
    assert read(meta=None) == {}


def test_counts_are_kept_and_nothing_beside_them() -> None:
    usage = {
        "prompt_tokens": 5,
        "promptTokenCount": 6,
        "note": "x",
        "prompt_tokens_details": {"cached_tokens": 2, "note": "x", "deep": {}},
        "cache_creation": {"ephemeral_5m_input_tokens": 1},
        "other": {"prompt_tokens": 9},
        "iterations": [{"prompt_tokens": 9}],
    }
    assert read(meta={"usage": usage})["meta"]["usage"] == {
        "prompt_tokens": 5,
        "promptTokenCount": 6,
        "prompt_tokens_details": {"cached_tokens": 2},
        "cache_creation": {"ephemeral_5m_input_tokens": 1},
    }


@pytest.mark.parametrize("broken", [b'{"code": nonsense}', b'{"code" 1}', b"{1}"])
def test_what_need_not_be_readable_may_be_broken(broken: bytes) -> None:
    assert members(b'{"id": 1, "loose": %b}' % broken, KEPT) == {"id": 1, "loose": {}}
    with pytest.raises(UnclearValue):
        members(b'{"id": 1, "meta": %b}' % broken.replace(b"code", b"who"), KEPT)


def test_a_long_text_is_shortened_and_stays_apart_from_others() -> None:
    one, other = read(id="x" * 3_000_000)["id"], read(id="x" * 3_000_001)["id"]
    assert one != other
    assert one.startswith("xxx")
    assert max(len(one), len(other)) < 1_100
    assert read(id='"\\ü' * 1_000_000)["id"]


def test_a_long_list_is_left_out() -> None:
    assert read(id=[1] * 100_000) == {"id": None}


@pytest.mark.parametrize(
    "piece",
    [b'"x",', b"{},", b'{"a":"b"},', b'[["a"],["b"]],', b'{"a":{"b":[1,2,{"c":"d"}]}},', b'"\\"}{",', b"1.5,"],
    ids=bytes.decode,
)
def test_any_piece_is_passed_over_with_little_work(piece: bytes) -> None:
    pieces = 8_000_000 // len(piece)
    body = b'{"other":[' + piece * pieces + b'0],"id":7}'
    with at_most_calls(1_000 + 9 * pieces):
        assert members(body, KEPT) == {"id": 7}
        assert [len(each or b"") for each in lenient_json.objects(body)] == [len(body)]


def test_there_is_an_end_to_brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lenient_json, "MOST_BRACKETS", 10)
    with pytest.raises(TooLarge):
        members(b'{"other":' + b"[" * 20 + b"]" * 20 + b"}", KEPT)
