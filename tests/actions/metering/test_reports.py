from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.actions.metering.gateways import create_gateway, create_gateway_token, import_gateway
from portal.actions.metering.reports import store_reports
from portal.actions.metering.usage import Result
from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.db.metering.gateways import all_gateways, gateway_named
from portal.db.metering.held import held_events
from portal.db.metering.totals import count_requests
from portal.db.metering.uncounted import Uncounted, rejected_reasons, uncounted_since
from portal.db.spending.crossings import crossings
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import InvalidInput
from portal.rules.metering.reporters import OWN_REPORTS, Person, Reporter
from portal.rules.metering.usage import Entry, Rejected, Replay, UsageReport
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits
from portal.views.spending.summary import load_summary
from tests.cast import NOW, OPERATOR, Gateway, acting, run

UTC = ZoneInfo("UTC")


def report(id: str = "r-1", **values: object) -> UsageReport:
    return replace(UsageReport(id, "qwen3", "native", 100, 20, username="alice", requested_at=NOW), **values)  # type: ignore[arg-type]


def store(reporter: Reporter, *entries: Entry, now: datetime = NOW) -> list[Result]:
    return [outcome.result for outcome in run(store_reports, reporter, entries, UTC, now)]


def reported_at(gateway: Gateway) -> datetime | None:
    found = run(gateway_named, gateway.name)
    assert found is not None
    return found.reported_at


def person(account: Account, key: NewKey) -> Reporter:
    return Reporter(None, "native", person=Person(account.id, digest(key.secret)))


def tokens(account: Account) -> int:
    total: int = run(load_summary, account.id, NOW).total.tokens
    return total


def test_rejected_reports_are_kept_with_their_reason(alice: Account, gateway: Gateway) -> None:
    late = report("r-2", requested_at=NOW + timedelta(hours=2))
    found = store(Reporter(gateway.id, "native"), report(), Rejected("r-0", "There is no model."), late)
    assert found == [Result.ACCEPTED, Result.REJECTED, Result.REJECTED]
    assert [(row.example_id, row.reason) for row in run(rejected_reasons, gateway.id)] == [
        ("r-0", "There is no model."),
        ("r-2", "requested_at lies more than 5 minutes in the future."),
    ]


def test_it_is_noted_to_the_minute_when_a_gateway_reports(alice: Account, gateway: Gateway) -> None:
    store(Reporter(gateway.id, "native"), report())
    assert reported_at(gateway) == NOW
    store(Reporter(gateway.id, "native", NOW), report("r-2"), now=NOW + timedelta(seconds=59))
    assert reported_at(gateway) == NOW
    store(Reporter(gateway.id, "native", NOW), Rejected(None, "No JSON."), now=NOW + timedelta(seconds=60))
    assert reported_at(gateway) == NOW + timedelta(seconds=60)


def test_own_reports_count_for_the_person_with_the_key(alice: Account, bob: Account, bobs_key: NewKey) -> None:
    assert store(person(bob, bobs_key), report(username="alice")) == [Result.ACCEPTED]
    assert (tokens(alice), tokens(bob)) == (0, 120)


def test_two_people_may_report_the_same_id(alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey) -> None:
    assert store(person(bob, bobs_key), report(prompt_tokens=5)) == [Result.ACCEPTED]
    assert store(person(alice, alices_key), report()) == [Result.ACCEPTED]
    assert store(person(alice, alices_key), report()) == [Result.DUPLICATE]
    assert (tokens(alice), tokens(bob), run(count_requests)) == (120, 25, 2)


@pytest.mark.parametrize("make", [create_gateway, import_gateway])
def test_no_gateway_can_report_among_peoples_own_reports(
    db: Database, alice: Account, alices_key: NewKey, make: object
) -> None:
    store(person(alice, alices_key), report())
    with pytest.raises(InvalidInput):
        run(make, OPERATOR, OWN_REPORTS, NOW)  # type: ignore[arg-type]


def test_own_reports_get_no_gateway_token(db: Database, alice: Account, alices_key: NewKey) -> None:
    store(person(alice, alices_key), report())
    (gateway,) = run(all_gateways)
    with pytest.raises(InvalidInput, match="their own API keys"):
        run(create_gateway_token, OPERATOR, gateway.id, NOW)


def test_a_replay_is_counted_for_the_gateway_and_billed_never(alice: Account, gateway: Gateway) -> None:
    for first in (Result.ACCEPTED, Result.DUPLICATE):
        found = store(Reporter(gateway.id, "native"), report(), Replay("poll-1"), Replay(None))
        assert found == [first, Result.REPLAY, Result.REPLAY]
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(replays=4)
    assert tokens(alice) == 120


def test_a_call_without_counts_is_a_request_of_unknown_tokens(alice: Account, gateway: Gateway) -> None:
    image = report("img", prompt_tokens=0, completion_tokens=0, without_counts=True)
    for expected in (Result.ACCEPTED, Result.DUPLICATE):
        assert store(Reporter(gateway.id, "native"), image) == [expected]
    total = run(load_summary, alice.id, NOW).total
    assert (total.requests, total.tokens, total.cost_nano_eur, total.without_counts) == (1, 0, 0, 1)
    assert run(uncounted_since, gateway.id, NOW.date()) == Uncounted(without_counts=1)
    counted = report("img", prompt_tokens=5, completion_tokens=0)
    assert store(Reporter(gateway.id, "native"), counted) == [Result.CONFLICT]


def nobodys(id: str = "r-1") -> UsageReport:
    return report(id, username=None)


def by_unknown_key(id: str = "r-2") -> UsageReport:
    return report(id, username=None, key_hash="e" * 64)


def test_usage_of_nobody_is_that_of_the_gateways_owner(alice: Account, bob: Account, gateway: Gateway) -> None:
    sent = [nobodys(), by_unknown_key(), report("r-3", username="nobody"), report("r-4", username="bob")]
    reporter = Reporter(gateway.id, "native", owner_id=alice.id)
    assert store(reporter, *sent) == [Result.ACCEPTED] * 4
    assert store(reporter, *sent) == [Result.DUPLICATE] * 4
    assert (tokens(alice), tokens(bob)) == (360, 120)
    assert run(held_events) == []
    for account in (alice, bob):
        assert run(lambda session: list(verify_account(session, account.id, UTC))) == []  # noqa: B023  # it runs at once


def test_usage_of_nobody_crosses_the_owners_budget(alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), NOW)
    run(change_alerts, acting(alice), True, 80, None, NOW)
    store(Reporter(gateway.id, "native", owner_id=alice.id), nobodys())
    assert [row.threshold for row in run(crossings, alice.id, 10)] == [100, 80]


def test_same_id_with_other_content_is_a_conflict_for_an_owner(alice: Account, gateway: Gateway) -> None:
    reporter = Reporter(gateway.id, "native", owner_id=alice.id)
    assert store(reporter, nobodys(), report(username=None, prompt_tokens=5)) == [Result.ACCEPTED, Result.CONFLICT]
    assert tokens(alice) == 120


def test_without_an_owner_usage_of_nobody_is_counted_for_nobody(alice: Account, gateway: Gateway) -> None:
    found = store(Reporter(gateway.id, "native"), nobodys(), by_unknown_key())
    assert found == [Result.REJECTED, Result.UNATTRIBUTED]
    assert tokens(alice) == 0
