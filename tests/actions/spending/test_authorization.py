"""May this key spend? With real keys, gateways, events and threads, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select

from portal.actions.metering.gateways import revoke_gateway_tokens
from portal.actions.people.accounts import set_active
from portal.actions.people.keys import NewKey, create_key, revoke_key
from portal.actions.spending.authorization import Authorization, AuthorizationRequest, authorize, note_key_use
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.db.sql.session import Database
from portal.db.tables import Account, ApiKey, Reservation
from portal.errors import Conflict, Unavailable, UnknownToken
from portal.rules.people.keys import NOTED_EVERY
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.authorization import RESERVED_FOR, Reason
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.templates import find_template
from tests.cast import NOW, OPERATOR, Gateway, acting, id_of, new_gateway, report, reserved_tokens, run, send

MOMENT = timedelta(microseconds=1)


def ask(
    gateway: Gateway, key: NewKey, estimate: int | None = None, request_id: str | None = None, *, now: datetime = NOW
) -> Authorization:
    return authorize(AuthorizationRequest(gateway.token, digest(key.secret), estimate, request_id), now)


def reason(answer: Authorization) -> Reason:
    return answer.decision.reason


@pytest.fixture
def limited(alice: Account) -> Account:
    """Alice, who may use 1,000 tokens a day."""
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    return alice


def test_a_key_may_spend_without_limits(alices_key: NewKey, gateway: Gateway) -> None:
    answer = ask(gateway, alices_key)
    assert reason(answer) is Reason.OK
    assert answer.spender is not None
    assert (answer.spender.username, answer.spender.template, answer.spender.cost_factor) == ("alice", None, Decimal(1))


def test_a_refusal_says_which_budget(limited: Account, bob: Account, alices_key: NewKey, gateway: Gateway) -> None:
    send(gateway, report("a", prompt_tokens=1000), report("b", prompt_tokens=5, username="bob"))
    decision = ask(gateway, alices_key).decision
    assert (decision.reason, decision.period) == (Reason.BUDGET_EXHAUSTED, Period.DAILY)
    assert (decision.consumed, decision.limit, decision.remaining[Period.DAILY]) == (1020, 1000, 0)
    assert decision.resets_at == datetime(2026, 11, 23, tzinfo=NOW.tzinfo)


def test_a_new_day_allows_again(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    send(gateway, report(prompt_tokens=1000))
    midnight = datetime(2026, 11, 23, tzinfo=NOW.tzinfo)
    assert reason(ask(gateway, alices_key, now=midnight - MOMENT)) is Reason.BUDGET_EXHAUSTED
    assert reason(ask(gateway, alices_key, now=midnight)) is Reason.OK


def test_every_period_counts_its_own(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    earlier = {"today": 0, "this month": 5, "before": 40}
    requests = [
        report(name, prompt_tokens=100, completion_tokens=0, requested_at=NOW - timedelta(days=days))
        for name, days in earlier.items()
    ]
    send(gateway, *requests)
    run(set_budget, OPERATOR, alice.id, Limits(1000, 1000, 1000), NOW)
    remaining = ask(gateway, alices_key).decision.remaining
    assert remaining == {Period.DAILY: 900, Period.MONTHLY: 800, Period.TOTAL: 700}
    run(set_budget, OPERATOR, alice.id, Limits(0, 0, 1000, BudgetType.ONE_TIME), NOW)
    assert ask(gateway, alices_key).decision.remaining == {Period.DAILY: None, Period.MONTHLY: None, Period.TOTAL: 700}


def test_a_key_that_does_not_work_is_refused_with_the_reason(
    alice: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    short = run(create_key, acting(alice), alice.id, "short", NOW + timedelta(hours=1), NOW)
    assert reason(ask(gateway, short, now=NOW + timedelta(hours=1))) is Reason.EXPIRED_KEY
    run(revoke_key, acting(alice), alice.id, short.id, NOW)
    assert reason(ask(gateway, short)) is Reason.REVOKED_KEY
    run(set_active, OPERATOR, alice.id, False, NOW)
    answer = ask(gateway, alices_key, 10, "r-1")
    assert reason(answer) is Reason.ACCOUNT_SUSPENDED
    assert answer.key_to_note(NOW) is None
    assert reserved_tokens(alice) == 0


def test_unknown_key_gets_an_answer_without_details(alice: Account, gateway: Gateway) -> None:
    for estimate, request_id in ((None, None), (10, "r-1")):
        answer = authorize(AuthorizationRequest(gateway.token, "0" * 64, estimate, request_id), NOW)
        assert (reason(answer), answer.spender, answer.key_to_note(NOW)) == (Reason.UNKNOWN_KEY, None, None)


def test_only_gateways_may_ask(alices_key: NewKey, gateway: Gateway) -> None:
    for token in ("", "moe-gw-" + "0" * 48, alices_key.secret):
        with pytest.raises(UnknownToken):
            authorize(AuthorizationRequest(token, digest(alices_key.secret)), NOW)
    run(revoke_gateway_tokens, OPERATOR, gateway.id, NOW)
    with pytest.raises(UnknownToken):
        ask(gateway, alices_key)


def test_an_estimate_without_a_request_is_only_compared(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    assert reason(ask(gateway, alices_key, 1000)) is Reason.OK
    assert reason(ask(gateway, alices_key, 1001)) is Reason.ESTIMATE_TOO_LARGE
    assert reserved_tokens(limited) == 0


def test_what_is_held_counts_until_the_time_is_over(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    assert ask(gateway, alices_key, 600, "r-1").decision.is_allowed
    assert reason(ask(gateway, alices_key, 401, "r-2")) is Reason.ESTIMATE_TOO_LARGE
    last = NOW + RESERVED_FOR - MOMENT
    assert ask(gateway, alices_key, now=last).decision.remaining[Period.DAILY] == 400
    assert reason(ask(gateway, alices_key, 401, "r-2", now=last)) is Reason.ESTIMATE_TOO_LARGE
    assert reason(ask(gateway, alices_key, 401, "r-2", now=last + MOMENT)) is Reason.OK
    assert reserved_tokens(limited, last + MOMENT) == 401


def test_what_is_over_is_cleared_away(limited: Account, alices_key: NewKey, gateway: Gateway, db: Database) -> None:
    ask(gateway, alices_key, 1, "old")
    ask(gateway, alices_key, 1, "new", now=NOW + RESERVED_FOR)
    with db.reading() as session:
        assert list(session.scalars(select(Reservation.request_id))) == ["new"]


def test_asking_again_replaces_and_does_not_count_against_itself(
    limited: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    for estimate in (700, 700, 1000, 300):
        assert ask(gateway, alices_key, estimate, "r-1").decision.is_allowed
        assert reserved_tokens(limited) == estimate


def test_what_is_refused_is_not_held(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    assert not ask(gateway, alices_key, 1001, "r-1").decision.is_allowed
    assert reserved_tokens(limited) == 0


def test_what_is_held_for_others_is_theirs(
    limited: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    assert ask(gateway, bobs_key, 600, "r-2").decision.is_allowed
    assert ask(gateway, alices_key, 1000, "r-1").decision.remaining[Period.DAILY] == 1000


def test_the_same_id_of_another_gateway_is_another_request(
    limited: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    other = new_gateway("moe-2")
    assert ask(gateway, alices_key, 600, "r-1").decision.is_allowed
    assert not ask(other, alices_key, 600, "r-1").decision.is_allowed
    assert ask(other, alices_key, 400, "r-1").decision.is_allowed
    assert reserved_tokens(limited) == 1000


def test_nobody_sets_free_what_is_held_for_another(
    limited: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    ask(gateway, alices_key, 600, "r-1")
    with pytest.raises(Conflict):
        ask(gateway, bobs_key, 1, "r-1")
    assert (reserved_tokens(limited), reserved_tokens(bob)) == (600, 0)


def test_estimates_are_raw_and_held_with_the_cost_factor(
    limited: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    run(define_template, OPERATOR, "Research", Decimal("2.5"), [], NOW)
    run(assign_template, OPERATOR, id_of("alice"), run(find_template, "Research").id, NOW)
    assert reason(ask(gateway, alices_key, 401, "r-1")) is Reason.ESTIMATE_TOO_LARGE
    answer = ask(gateway, alices_key, 3, "r-1")
    assert answer.spender is not None
    assert (answer.spender.template, answer.spender.cost_factor) == ("Research", Decimal("2.5"))
    assert reserved_tokens(limited) == 8  # 7.5, rounded half up


def test_the_event_takes_the_place_of_what_was_held(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    ask(gateway, alices_key, 900, "r-1")
    send(gateway, report("r-1", prompt_tokens=100, completion_tokens=0))
    assert reserved_tokens(limited) == 0
    assert ask(gateway, alices_key).decision.remaining[Period.DAILY] == 900


def test_nothing_is_held_for_what_was_reported_already(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    send(gateway, report("r-1", prompt_tokens=100, completion_tokens=0))
    assert ask(gateway, alices_key, 500, "r-1").decision.is_allowed
    assert reserved_tokens(limited) == 0


def test_requests_side_by_side_cannot_overrun_a_budget(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(lambda n: ask(gateway, alices_key, 100, f"r-{n}"), range(50)))
    assert sum(answer.decision.is_allowed for answer in answers) == 10
    assert reserved_tokens(limited) == 1000


def last_use(key: NewKey, db: Database) -> datetime | None:
    with db.reading() as session:
        return session.scalar(select(ApiKey.last_used_at).where(ApiKey.id == key.id))


def test_the_use_of_a_key_is_noted_once_a_minute(alices_key: NewKey, gateway: Gateway, db: Database) -> None:
    for seconds, noted in ((0, 0), (30, 0), (59, 0), (60, 60), (61, 60), (120, 120)):
        now = NOW + timedelta(seconds=seconds)
        key_id = ask(gateway, alices_key, now=now).key_to_note(now)
        assert (key_id is not None) == (seconds % 60 == 0)
        if key_id is not None:
            note_key_use(key_id, now)
        assert last_use(alices_key, db) == NOW + timedelta(seconds=noted)


def test_a_use_that_many_want_to_note_is_noted_once(alices_key: NewKey, db: Database) -> None:
    written: list[int] = []

    def count(connection, cursor, statement, *rest: object) -> None:
        if statement.startswith("UPDATE api_keys"):
            written.append(cursor.rowcount)

    sql_event.listen(db.engine, "after_cursor_execute", count)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: note_key_use(alices_key.id, NOW), range(8)))
    sql_event.remove(db.engine, "after_cursor_execute", count)
    assert sorted(written) == [0] * 7 + [1]
    note_key_use(alices_key.id, NOW - NOTED_EVERY)
    assert last_use(alices_key, db) == NOW


def test_trouble_with_the_note_is_nobodys(alices_key: NewKey, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr("portal.actions.spending.authorization.run_in_transaction", fail)
    note_key_use(alices_key.id, NOW)


def test_a_refusal_by_a_budget_is_a_use_too(limited: Account, alices_key: NewKey, gateway: Gateway) -> None:
    assert ask(gateway, alices_key, 10_000).key_to_note(NOW) == alices_key.id


@pytest.mark.parametrize(
    ("request_id", "statements"),
    [
        pytest.param(None, ["SELECT"], id="an answer"),
        pytest.param("r-1", ["SELECT", "SELECT", "SELECT", "INSERT"], id="asked, locked, asked again, held"),
    ],
)
def test_few_statements_answer(
    request_id: str | None, statements: list[str], alices_key: NewKey, gateway: Gateway, db: Database
) -> None:
    executed: list[str] = []

    def note(connection, cursor, statement, *rest: object) -> None:
        executed.append(statement.split()[0])

    ask(gateway, alices_key)
    sql_event.listen(db.engine, "before_cursor_execute", note)
    ask(gateway, alices_key, 5, request_id)
    sql_event.remove(db.engine, "before_cursor_execute", note)
    assert [word for word in executed if word != "BEGIN"] == statements
