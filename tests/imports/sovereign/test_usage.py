"""Requests of MoE Sovereign, read as reports and notes."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portal.imports.sovereign.usage import Owners, read_note, read_request
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.secrets import digest
from portal.rules.text import InvalidText

REQUEST: dict[str, Any] = {
    "id": "row-1", "user_id": "u-1", "api_key_id": "k-1", "session_id": None, "model": "qwen3:32b",
    "moe_mode": "native", "prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "status": "ok",
    "notes": None, "requested_at": "2026-03-04T05:06:07.890123+00:00", "latency_ms": None, "dynamic_tmpl_id": None,
}  # fmt: skip
OWNERS = Owners({"u-1": "alice"}, {"k-1": ("u-1", digest("key"))}, {"u-1": "Alice", "u-2": "Jörg Müller"})


def usage(**change: Any) -> UsageReport | Rejected:
    return read_request(REQUEST | change, OWNERS, "usual")


def test_a_request_becomes_a_report() -> None:
    assert usage(latency_ms=1200, session_id="s-1", status="error", dynamic_tmpl_id="moe-dyn-1") == UsageReport(
        id="row-1",
        model="qwen3:32b",
        mode="native",
        prompt_tokens=100,
        completion_tokens=20,
        key_hash=digest("key"),
        status="error",
        requested_at=datetime(2026, 3, 4, 5, 6, 7, 890123, UTC),
        latency_ms=1200,
        template="moe-dyn-1",
        session_id="s-1",
    )


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"api_key_id": None}, (None, "alice"), id="without a key"),
        pytest.param({"api_key_id": "gone"}, (None, "alice"), id="with a key that was not imported"),
        pytest.param({"user_id": "u-2"}, (None, "<Jörg Müller>"), id="somebody else's key counts for nobody"),
        pytest.param({"user_id": "u-2", "api_key_id": None}, (None, "<Jörg Müller>"), id="nobody here"),
        pytest.param({"user_id": "u-3", "api_key_id": None}, (None, "<u-3>"), id="nobody there"),
    ],
)
def test_request_belongs_to_the_owner_of_its_key(
    change: dict[str, Any], expected: tuple[str | None, str | None]
) -> None:
    report = usage(**change)
    assert isinstance(report, UsageReport)
    assert (report.key_hash, report.username) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("2026-03-04T05:06:07.890123+00:00", "2026-03-04T05:06:07.890123+00:00", id="UTC"),
        pytest.param("2026-03-04T05:06:07", "2026-03-04T05:06:07+00:00", id="no offset is UTC"),
        pytest.param("2026-03-04T05:06:07Z", "2026-03-04T05:06:07+00:00", id="Z"),
        pytest.param("2026-03-04T05:06:07+02:00", "2026-03-04T03:06:07+00:00", id="another offset"),
        pytest.param("2026-03-04 05:06:07.5", "2026-03-04T05:06:07.500000+00:00", id="with a space"),
        pytest.param(datetime(2026, 3, 4, 5, tzinfo=UTC), "2026-03-04T05:00:00+00:00", id="a column of instants"),
        pytest.param(datetime(2026, 3, 4, 5), "2026-03-04T05:00:00+00:00", id="one without a zone"),  # noqa: DTZ001
    ],
)
def test_when_a_request_was_made(written: object, expected: str) -> None:
    report = usage(requested_at=written)
    assert isinstance(report, UsageReport)
    assert report.requested_at is not None
    assert report.requested_at.isoformat() == expected


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"prompt_tokens": -1, "total_tokens": 19}, id="negative tokens"),
        pytest.param({"completion_tokens": None}, id="unknown tokens"),
        pytest.param({"prompt_tokens": 10**9 + 1, "total_tokens": None}, id="more tokens than there can be"),
        pytest.param({"total_tokens": 121}, id="a sum that is none"),
        pytest.param({"model": " "}, id="no model"),
        pytest.param({"requested_at": "yesterday"}, id="no instant"),
        pytest.param({"requested_at": None}, id="none at all"),
        pytest.param({"id": "a\nb"}, id="an id of two lines"),
        pytest.param({"id": "x" * 257}, id="too long an id"),
    ],
)
def test_unreadable_request_is_rejected_with_a_reason(change: dict[str, Any]) -> None:
    rejected = usage(**change)
    assert isinstance(rejected, Rejected)
    assert rejected.reason.endswith(".")


def test_long_texts_are_cut_and_missing_ones_have_defaults() -> None:
    report = usage(model="m" * 300, moe_mode=None, status="", session_id="\x00" * 9, total_tokens=None, latency_ms=-1)
    assert isinstance(report, UsageReport)
    assert (report.model, report.mode, report.status) == ("m" * 200, "usual", "ok")
    assert (report.session_id, report.latency_ms) == (None, None)


def test_a_note_is_trimmed_and_too_long_a_one_refused() -> None:
    assert read_note(REQUEST | {"notes": " for the thesis\r\n"}) == "for the thesis"
    assert read_note(REQUEST) == ""
    with pytest.raises(InvalidText):
        read_note(REQUEST | {"notes": "x" * 4001})
