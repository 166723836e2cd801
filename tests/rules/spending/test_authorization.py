from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.rules.periods import Period
from portal.rules.spending.authorization import (
    BudgetOwner,
    BudgetState,
    Decision,
    Reason,
    Spent,
    decide,
    key_reason,
    refusal,
)
from portal.rules.spending.budgets import BudgetType, Limits

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
DAILY, MONTHLY, TOTAL = Period
ONCE = BudgetType.ONE_TIME


def spent(daily: int = 0, monthly: int = 0, total: int = 0, reserved: int = 0) -> Spent:
    return Spent({DAILY: daily, MONTHLY: monthly, TOTAL: total}, reserved)


def ask(limits: Limits, gone: Spent, estimate: int | None = None) -> Decision:
    return decide([BudgetState(BudgetOwner.ACCOUNT, limits, gone)], estimate, NOW, BERLIN)


@pytest.mark.parametrize(
    ("limits", "gone", "estimate"),
    [
        pytest.param(Limits(), spent(10**15, 10**15, 10**15), 10**12, id="no limit allows everything"),
        pytest.param(Limits(daily=100), spent(99), None, id="one token is left"),
        pytest.param(Limits(daily=100), spent(0, 500, 500), None, id="only limited periods count"),
        pytest.param(Limits(daily=100), spent(50, reserved=49), None, id="one is left beside what is held"),
        pytest.param(Limits(daily=100), spent(60), 40, id="the estimate just fits"),
        pytest.param(Limits(daily=100), spent(60, reserved=30), 10, id="it just fits beside what is held"),
        pytest.param(Limits(daily=100), spent(99), 0, id="an estimate of nothing"),
        pytest.param(Limits(0, 0, 100, ONCE), spent(99, 99, 99), None, id="of one-time budgets only the total counts"),
    ],
)
def test_request_within_all_limits_is_allowed(limits: Limits, gone: Spent, estimate: int | None) -> None:
    decision = ask(limits, gone, estimate)
    assert (decision.is_allowed, decision.reason) == (True, Reason.OK)
    assert (decision.period, decision.consumed, decision.limit, decision.resets_at) == (None, None, None, None)


EXHAUSTED, TOO_LARGE = Reason.BUDGET_EXHAUSTED, Reason.ESTIMATE_TOO_LARGE


@pytest.mark.parametrize(
    ("limits", "gone", "estimate", "reason", "period"),
    [
        pytest.param(Limits(daily=100), spent(100), None, EXHAUSTED, DAILY, id="all is used"),
        pytest.param(Limits(daily=100), spent(120), None, EXHAUSTED, DAILY, id="more than all is used"),
        pytest.param(Limits(daily=100), spent(40, reserved=60), None, EXHAUSTED, DAILY, id="the rest is held"),
        pytest.param(Limits(daily=100), spent(100), 0, EXHAUSTED, DAILY, id="an estimate of nothing needs a token too"),
        pytest.param(Limits(daily=100), spent(60), 41, TOO_LARGE, DAILY, id="one token too many"),
        pytest.param(
            Limits(daily=100), spent(60, reserved=31), 10, TOO_LARGE, DAILY, id="too many beside what is held"
        ),
        pytest.param(Limits(daily=0), spent(), None, EXHAUSTED, DAILY, id="a limit of 0 allows nothing"),
        pytest.param(Limits(100, 200, 300), spent(0, 200, 300), None, EXHAUSTED, MONTHLY, id="the shortest is named"),
        pytest.param(Limits(100, 10, 0), spent(0, 0, 0), 50, TOO_LARGE, MONTHLY, id="also if another one is exhausted"),
        pytest.param(Limits(100, 100, 100, ONCE), spent(200, 200, 100), 1, EXHAUSTED, TOTAL, id="one-time: the total"),
    ],
)
def test_request_beyond_a_limit_is_refused(
    limits: Limits, gone: Spent, estimate: int | None, reason: Reason, period: Period
) -> None:
    decision = ask(limits, gone, estimate)
    assert (decision.is_allowed, decision.reason, decision.period) == (False, reason, period)
    assert (decision.consumed, decision.limit) == (gone.consumed[period], limits.in_force(period))


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        pytest.param(Limits(daily=0), datetime(2026, 11, 22, 23, tzinfo=UTC), id="a day ends at midnight in Berlin"),
        pytest.param(Limits(monthly=0), datetime(2026, 11, 30, 23, tzinfo=UTC), id="a month on its last day"),
        pytest.param(Limits(total=0), None, id="a total never"),
    ],
)
def test_refusal_has_the_reset_of_its_budget(limits: Limits, expected: datetime | None) -> None:
    assert ask(limits, spent()).resets_at == expected


def test_remaining_subtracts_reserved_and_is_never_negative() -> None:
    decision = ask(Limits(100, 200), spent(95, 120, 500, reserved=10))
    assert decision.remaining == {DAILY: 0, MONTHLY: 70, TOTAL: None}


@pytest.mark.parametrize(
    ("gone", "estimate", "sentence"),
    [
        (spent(1000), None, "The daily budget is exhausted: 1,000 of 1,000 billable tokens are used."),
        (
            spent(400, reserved=600),
            None,
            "The daily budget is exhausted: 400 of 1,000 billable tokens are used and 600 are held for other requests.",
        ),
        (
            spent(990),
            11,
            "The daily budget has too little left for the estimate: 990 of 1,000 billable tokens are used.",
        ),
        (spent(), None, "The key may spend."),
    ],
)
def test_refusal_explains_its_reason(gone: Spent, estimate: int | None, sentence: str) -> None:
    assert ask(Limits(daily=1000), gone, estimate).detail == sentence


KEY, ACCOUNT, TEAM = BudgetOwner
USED_UP, HALF, FREE = (Limits(daily=100), spent(100)), (Limits(daily=100), spent(50)), (Limits(), spent(100))


@pytest.mark.parametrize(
    ("budgets", "estimate", "owner"),
    [
        pytest.param([(KEY, HALF), (ACCOUNT, HALF), (TEAM, HALF)], 50, None, id="all three have enough"),
        pytest.param([(KEY, FREE), (ACCOUNT, FREE), (TEAM, FREE)], 10**9, None, id="none has a limit"),
        pytest.param([(KEY, USED_UP), (ACCOUNT, HALF), (TEAM, HALF)], None, KEY, id="the key has none left"),
        pytest.param([(KEY, HALF), (ACCOUNT, USED_UP), (TEAM, HALF)], None, ACCOUNT, id="the account has none left"),
        pytest.param([(KEY, HALF), (ACCOUNT, FREE), (TEAM, USED_UP)], None, TEAM, id="the team has none left"),
        pytest.param([(ACCOUNT, FREE), (TEAM, HALF)], 51, TEAM, id="the team has too little left"),
        pytest.param([(KEY, HALF), (ACCOUNT, USED_UP), (TEAM, USED_UP)], 51, KEY, id="the first is named"),
    ],
)
def test_refusal_names_the_owner_of_the_budget(
    budgets: list[tuple[BudgetOwner, tuple[Limits, Spent]]], estimate: int | None, owner: BudgetOwner | None
) -> None:
    states = [BudgetState(of, *figures) for of, figures in budgets]
    decision = decide(states, estimate, NOW, BERLIN)
    assert (decision.owner, decision.is_allowed) == (owner, owner is None)
    assert (decision.period, decision.limit) == ((None, None) if owner is None else (DAILY, 100))


@pytest.mark.parametrize(("owner", "budget"), [(KEY, "daily budget of the key"), (TEAM, "daily budget of the team")])
def test_sentence_names_the_owner_of_the_budget(owner: BudgetOwner, budget: str) -> None:
    decision = decide([BudgetState(owner, *USED_UP)], None, NOW, BERLIN)
    assert decision.detail == f"The {budget} is exhausted: 100 of 100 billable tokens are used."


def test_remaining_is_the_least_of_all_budgets() -> None:
    states = [
        BudgetState(KEY, Limits(daily=100, monthly=900), spent(20, 20)),
        BudgetState(ACCOUNT, Limits(daily=1000, total=5000), spent(950, 950, 4000, reserved=10)),
        BudgetState(TEAM, Limits(monthly=800), spent(0, 100, 9000, reserved=50)),
    ]
    assert decide(states, None, NOW, BERLIN).remaining == {DAILY: 40, MONTHLY: 650, TOTAL: 990}


MOMENT = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("is_active", "expires_at", "revoked_at", "expected"),
    [
        pytest.param(True, None, None, Reason.OK, id="a key for ever"),
        pytest.param(True, NOW + MOMENT, None, Reason.OK, id="its last moment"),
        pytest.param(True, NOW, None, Reason.EXPIRED_KEY, id="the moment after"),
        pytest.param(True, NOW, NOW, Reason.REVOKED_KEY, id="revoked goes before expired"),
        pytest.param(False, None, None, Reason.ACCOUNT_SUSPENDED, id="nobody's key is better than its account"),
    ],
)
def test_reason_of_a_key(
    is_active: bool, expires_at: datetime | None, revoked_at: datetime | None, expected: Reason
) -> None:
    assert key_reason(is_active, expires_at, revoked_at, NOW, team_is_active=True) is expected
    of_team = Reason.TEAM_SUSPENDED if expected is Reason.OK else expected
    assert key_reason(is_active, expires_at, revoked_at, NOW, team_is_active=False) is of_team


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert reason.sentence.endswith(".")


def test_refused_key_gets_no_figures_of_budgets() -> None:
    decision = refusal(Reason.REVOKED_KEY)
    assert (decision.is_allowed, decision.detail) == (False, "The key was revoked.")
    assert set(decision.remaining.values()) == {None}
    about_keys = {reason for reason in Reason if reason.is_about_the_key}
    assert about_keys == set(Reason) - {Reason.OK, EXHAUSTED, TOO_LARGE}
