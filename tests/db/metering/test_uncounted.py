"""Events that are not counted: counts by day, and reasons, so that a frequent reason does not hide the others."""

from datetime import timedelta

import pytest

from portal.db.metering.gateways import add_gateway
from portal.db.metering.uncounted import (
    KEPT,
    Uncounted,
    count_uncounted,
    note_rejected,
    rejected_reasons,
    uncounted_since,
)
from portal.db.sql.session import Database
from portal.rules.metering.usage import Rejected, reason_group
from tests.cast import NOW, Gateway, run

LATER = NOW + timedelta(hours=1)


def reasons(gateway_id: int) -> list[tuple[str, int, str | None]]:
    return [(row.reason, row.count, row.example_id) for row in run(rejected_reasons, gateway_id)]


def test_events_are_counted_by_reason_with_the_newest_example(gateway: Gateway) -> None:
    run(note_rejected, gateway.id, [Rejected("a", "No model."), Rejected("b", "No model."), Rejected(None, "No.")], NOW)
    run(note_rejected, gateway.id, [Rejected("c", "No model."), Rejected(None, "No model.")], LATER)
    assert reasons(gateway.id) == [("No model.", 4, "c"), ("No.", 1, None)]
    (newest, _) = run(rejected_reasons, gateway.id)
    assert (newest.first_at, newest.last_at) == (NOW, LATER)


def test_a_noisy_reason_hides_no_other(gateway: Gateway) -> None:
    run(note_rejected, gateway.id, [Rejected("rare", "Rare.")], NOW)
    for _ in range(3):
        run(note_rejected, gateway.id, [Rejected(str(n), f"Id {n:08d} is unknown.") for n in range(500)], LATER)
    assert reasons(gateway.id) == [("Id … is unknown.", 1500, "499"), ("Rare.", 1, "rare")]


def test_a_reason_with_small_numbers_hides_no_other(gateway: Gateway) -> None:
    run(note_rejected, gateway.id, [Rejected("rare", "Rare.")], NOW)
    noisy = [Rejected(str(n), f"tokens is {n}, not {-n}, at most 9") for n in range(1, 10_001)]
    run(note_rejected, gateway.id, noisy, LATER)
    assert reasons(gateway.id) == [("tokens is …, not …, at most 9", 10_000, "10000"), ("Rare.", 1, "rare")]


def test_the_reasons_seen_least_recently_go_first(gateway: Gateway) -> None:
    run(note_rejected, gateway.id, [Rejected("old", "Old.")], NOW)
    run(note_rejected, gateway.id, [Rejected("kept", "Kept.")], NOW)
    run(
        note_rejected,
        gateway.id,
        [Rejected(None, "Kept."), *(Rejected("x", f"R{n}.") for n in range(KEPT - 1))],
        LATER,
    )
    found = reasons(gateway.id)
    assert len(found) == KEPT
    assert ("Kept.", 2, "kept") in found
    assert "Old." not in {reason for reason, _, _ in found}


def test_another_gateways_reasons_stay_where_they_are(db: Database, gateway: Gateway) -> None:
    from portal.db.metering.gateways import add_gateway

    other = run(add_gateway, "moe-2", "native", NOW).id
    run(note_rejected, other, [Rejected("theirs", "No model.")], NOW)
    run(note_rejected, gateway.id, [Rejected("x", f"R{n}.") for n in range(KEPT + 1)], LATER)
    assert reasons(other) == [("No model.", 1, "theirs")]


@pytest.mark.parametrize(
    ("reason", "group"),
    [
        ("There is no model.", "There is no model."),
        ("prompt_tokens must be a whole number from 0 to 1,000,000,000.", None),
        ("Line 17 is no JSON.", "Line … is no JSON."),
        ("tokens is -17, at most 5", "tokens is …, at most 5"),
        ("tokens is 17,000.", "tokens is …."),
        ("requested_at lies more than 5 minutes in the future.", None),
        ("A cost factor lies between 0 and 1000, with at most 12 decimals.", None),
        ("cost is -0.25 or 3.5.", "cost is … or …."),
        ("gpt-4 and qwen3:32b have no price.", None),
        ("There is no offset, such as +01:00 or Z.", None),
        ("It is no time, such as 2026-11-22T10:00:00Z.", None),
        ("At 2026-11-22T10:00:00Z there was none.", "At … there was none."),
        ("Span 4bf92f3577b34da6a3ce929d0e0e4736 has no model.", "Span … has no model."),
        ("“gpt-5” is no count.", "… is no count."),
        ("x" * 500, "x" * 300),
    ],
)
def test_what_differs_between_events_is_left_out_of_a_reason(reason: str, group: str | None) -> None:
    assert reason_group(reason) == (group or reason)


def test_what_is_not_counted_is_added_up_by_day(gateway: Gateway) -> None:
    run(count_uncounted, gateway.id, Uncounted(ignored=40, rejected=1), NOW - timedelta(days=1))
    run(count_uncounted, gateway.id, Uncounted(ignored=2, replays=5), NOW)
    run(count_uncounted, gateway.id, Uncounted(ignored=1, without_counts=3), NOW)
    run(count_uncounted, gateway.id, Uncounted(), NOW)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(3, 5, 0, 3)
    assert run(uncounted_since, gateway.id, NOW.date() - timedelta(days=1)) == Uncounted(3, 5, 1, 43)


def test_another_gateways_counts_are_its_own(db: Database, gateway: Gateway) -> None:
    other = run(add_gateway, "moe-2", "native", NOW).id
    run(count_uncounted, other, Uncounted(replays=1), NOW)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted()
