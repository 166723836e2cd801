from datetime import timedelta

from portal.db.rejected import KEPT, Uncounted, note_uncounted, rejected_events, uncounted_since
from portal.db.session import Database
from portal.rules.usage import Rejected
from tests.cast import NOW, Gateway, run


def reasons(gateway_id: int) -> list[tuple[str | None, str]]:
    return [(row.external_id, row.reason) for row in run(rejected_events, gateway_id)]


def test_the_newest_rejected_event_comes_first_with_its_reason(gateway: Gateway) -> None:
    run(note_uncounted, gateway.id, [Rejected("a", "No model."), Rejected(None, "No JSON.")], 0, NOW)
    assert reasons(gateway.id) == [(None, "No JSON."), ("a", "No model.")]


def test_only_the_newest_are_kept_but_all_are_counted(gateway: Gateway) -> None:
    run(note_uncounted, gateway.id, [Rejected("old", "Old.")], 0, NOW)
    run(note_uncounted, gateway.id, [Rejected(str(n), "New.") for n in range(KEPT + 5)], 0, NOW)
    assert len(reasons(gateway.id)) == KEPT
    assert reasons(gateway.id)[-1] == ("5", "New.")
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(KEPT + 6, 0)


def test_what_is_ignored_is_counted_by_day(gateway: Gateway) -> None:
    run(note_uncounted, gateway.id, [], 40, NOW - timedelta(days=1))
    run(note_uncounted, gateway.id, [], 2, NOW)
    run(note_uncounted, gateway.id, [], 1, NOW)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(0, 3)
    assert run(uncounted_since, gateway.id, NOW.date() - timedelta(days=1)) == Uncounted(0, 43)


def test_another_gateways_rejected_events_stay_where_they_are(db: Database, gateway: Gateway) -> None:
    from portal.db.gateways import add_gateway

    other = run(add_gateway, "moe-2", "native", NOW).id
    run(note_uncounted, other, [Rejected("theirs", "No model.")], 1, NOW)
    run(note_uncounted, gateway.id, [Rejected(str(n), "New.") for n in range(KEPT + 1)], 0, NOW)
    assert reasons(other) == [("theirs", "No model.")]
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(KEPT + 1, 0)
