"""May this key spend? With the budgets of key, account and team, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import func, select, update

from portal.actions.people.keys import NewKey, create_key
from portal.actions.spending.authorization import Authorization, AuthorizationRequest, authorize
from portal.actions.spending.budgets import set_budget
from portal.db.people.accounts import lock_account
from portal.db.spending.authorization import lock_team
from portal.db.sql.session import Database
from portal.db.tables import Account, Reservation, Team
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.authorization import BudgetOwner, Reason
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, create_member, limit_key, new_team, report, run, send

KEY, ACCOUNT, TEAM = BudgetOwner
DAILY, MONTHLY, TOTAL = Period
EXHAUSTED, TOO_LARGE = Reason.BUDGET_EXHAUSTED, Reason.ESTIMATE_TOO_LARGE


def ask(gateway: Gateway, key: NewKey, estimate: int | None = None, request_id: str | None = None) -> Authorization:
    return authorize(AuthorizationRequest(gateway.token, digest(key.secret), estimate, request_id), NOW)


def use(gateway: Gateway, key: NewKey, tokens: int, request_id: str, days: int = 0) -> None:
    at = NOW - timedelta(days=days)
    request = report(
        request_id, key_hash=digest(key.secret), prompt_tokens=tokens, completion_tokens=0, requested_at=at
    )
    send(gateway, request)


def members_with_keys(number: int) -> list[tuple[Account, NewKey]]:
    members = [create_member(f"member-{n}", password_hash=None) for n in range(number)]
    return [(each, run(create_key, acting(each), each.id, "laptop", None, NOW)) for each in members]


def set_limits(owner: BudgetOwner, limits: Limits, account: Account, key: NewKey, team_id: int) -> None:
    if owner is KEY:
        limit_key(key.id, limits)
    elif owner is ACCOUNT:
        run(set_budget, OPERATOR, account.id, limits, NOW)
    else:
        values = {"daily": limits.daily, "monthly": limits.monthly, "total": limits.total}
        run(lambda session: session.execute(update(Team).where(Team.id == team_id).values(**values)))


@pytest.mark.parametrize("owner", BudgetOwner)
@pytest.mark.parametrize(
    ("limits", "estimate", "reason", "period", "figures"),
    [
        pytest.param(Limits(daily=100), None, EXHAUSTED, DAILY, (100, 100), id="the day"),
        pytest.param(Limits(daily=101), 2, TOO_LARGE, DAILY, (100, 101), id="too little of the day"),
        pytest.param(Limits(monthly=140), None, EXHAUSTED, MONTHLY, (140, 140), id="the month"),
        pytest.param(Limits(101, 141, 150), None, EXHAUSTED, TOTAL, (150, 150), id="the whole life"),
    ],
)
def test_refusal_names_one_of_three_budgets(
    owner: BudgetOwner,
    limits: Limits,
    estimate: int | None,
    reason: Reason,
    period: Period,
    figures: tuple[int, int],
    alice: Account,
    alices_key: NewKey,
    gateway: Gateway,
) -> None:
    team_id = new_team("Research", alice)
    for days, tokens in ((0, 100), (5, 40), (40, 10)):
        use(gateway, alices_key, tokens, f"{days} days ago", days)
    assert ask(gateway, alices_key, 10**9).decision.is_allowed
    set_limits(owner, limits, alice, alices_key, team_id)
    decision = ask(gateway, alices_key, estimate).decision
    assert (decision.owner, decision.reason, decision.period) == (owner, reason, period)
    assert (decision.consumed, decision.limit) == figures


def test_each_budget_counts_its_own(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    other = run(create_key, acting(alice), alice.id, "other", None, NOW)
    new_team("Research", alice, bob, limits=Limits(daily=1000))
    for number, key in enumerate((alices_key, other, bobs_key)):
        use(gateway, key, 10 ** (number + 1), f"r-{number}")
    limit_key(alices_key.id, Limits(daily=100))
    run(set_budget, OPERATOR, alice.id, Limits(daily=500), NOW)
    answer = ask(gateway, alices_key)
    assert answer.spender is not None
    assert [state.spent.consumed[DAILY] for state in answer.spender.budgets] == [10, 110, 1110]
    assert answer.decision.owner is TEAM
    assert answer.decision.remaining == {DAILY: 0, MONTHLY: None, TOTAL: None}


def test_reserved_tokens_count_for_key_account_and_team(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway
) -> None:
    other = run(create_key, acting(alice), alice.id, "other", None, NOW)
    team_id = new_team("Research", alice, bob, limits=Limits(daily=1000))
    limit_key(alices_key.id, Limits(daily=1000))
    for tokens, key in ((10, alices_key), (100, other), (200, bobs_key)):
        assert ask(gateway, key, tokens, f"r-{tokens}").decision.is_allowed
    answer = ask(gateway, alices_key)
    assert answer.spender is not None
    assert [state.spent.reserved for state in answer.spender.budgets] == [10, 110, 310]
    stored = select(Reservation.api_key_id, Reservation.team_id).order_by(Reservation.tokens)
    assert run(lambda session: [tuple(row) for row in session.execute(stored)]) == [
        (alices_key.id, team_id),
        (other.id, team_id),
        (bobs_key.id, team_id),
    ]


def test_asking_again_replaces_key_and_team(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    other = run(create_key, acting(alice), alice.id, "other", None, NOW)
    ask(gateway, alices_key, 10, "r-1")
    team_id = new_team("Research", alice)
    ask(gateway, other, 20, "r-1")
    row = run(lambda session: session.execute(select(Reservation.api_key_id, Reservation.team_id)).one())
    assert tuple(row) == (other.id, team_id)


def test_key_of_a_suspended_team_is_refused(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    team_id = new_team("Research", alice)
    assert ask(gateway, alices_key, 5, "r-1").decision.is_allowed
    run(lambda session: session.execute(update(Team).where(Team.id == team_id).values(active=False)))
    answer = ask(gateway, alices_key, 5, "r-2")
    assert (answer.decision.reason, answer.decision.owner) == (Reason.TEAM_SUSPENDED, None)
    assert answer.key_to_note(NOW) is None


def test_usage_before_joining_does_not_count_for_the_team(
    alice: Account, bob: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    use(gateway, alices_key, 100, "before")
    new_team("Research", alice, limits=Limits(daily=100))
    assert ask(gateway, alices_key, 100).decision.is_allowed
    use(gateway, alices_key, 100, "after")
    assert ask(gateway, alices_key).decision.owner is TEAM


@pytest.mark.parametrize(
    ("limits", "granted", "owner"),
    [
        pytest.param((700, 800, 900), 7, KEY, id="the key is the tightest"),
        pytest.param((None, 900, 800), 8, TEAM, id="the team is the tightest"),
        pytest.param((None, 600, None), 6, ACCOUNT, id="only the account has a limit"),
    ],
)
def test_64_requests_side_by_side_cannot_overrun_a_budget(
    limits: tuple[int | None, int, int | None],
    granted: int,
    owner: BudgetOwner,
    alice: Account,
    alices_key: NewKey,
    gateway: Gateway,
) -> None:
    team_id = new_team("Research", alice)
    for each, limit in zip(BudgetOwner, limits, strict=True):
        if limit is not None:
            set_limits(each, Limits(daily=limit), alice, alices_key, team_id)
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda n: ask(gateway, alices_key, 100, f"r-{n}").decision, range(64)))
    assert sum(answer.is_allowed for answer in answers) == granted
    assert {answer.owner for answer in answers if not answer.is_allowed} == {owner}


def test_members_side_by_side_cannot_overrun_their_team(gateway: Gateway) -> None:
    members = members_with_keys(8)
    team_id = new_team("Research", *(account for account, _ in members), limits=Limits(monthly=1050))
    for _, key in members:
        limit_key(key.id, Limits(daily=200))
    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(lambda n: ask(gateway, members[n % 8][1], 100, f"r-{n}"), range(64)))
    assert sum(answer.decision.is_allowed for answer in answers) == 10
    held = select(func.sum(Reservation.tokens)).where(Reservation.team_id == team_id)
    assert run(lambda session: session.scalar(held)) == 1000


def test_events_and_reservations_side_by_side_keep_the_limit(gateway: Gateway) -> None:
    members = members_with_keys(4)
    new_team("Research", *(account for account, _ in members), limits=Limits(total=1000))

    def spend(number: int) -> int:
        key = members[number % 4][1]
        if not ask(gateway, key, 100, f"r-{number}").decision.is_allowed:
            return 0
        use(gateway, key, 100, f"r-{number}")
        return 100

    with ThreadPoolExecutor(16) as threads:
        assert sum(threads.map(spend, range(32))) == 1000
    answer = ask(gateway, members[0][1])
    assert answer.spender is not None
    assert answer.spender.budgets[-1].spent.of(TOTAL) == 1000


def test_limit_that_is_set_meanwhile_counts_what_is_reserved(
    alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway, db: Database
) -> None:
    team_id = new_team("Research", alice, bob)
    barrier = Barrier(2)

    def limit_team() -> None:
        with db.transaction() as session:
            lock_team(session, team_id)
            session.execute(update(Team).where(Team.id == team_id).values(daily=1000))

    def reserve(key: NewKey) -> int:
        barrier.wait()
        return 100 * sum(ask(gateway, key, 100, f"{key.id}-{number}").decision.is_allowed for number in range(20))

    with ThreadPoolExecutor(2) as threads:
        spent = [threads.submit(reserve, key) for key in (alices_key, bobs_key)]
        limit_team()
        assert sum(each.result() for each in spent) in range(1000, 4100)
    assert not ask(gateway, alices_key, 1, "more").decision.is_allowed


def test_reservation_follows_a_moved_account(alice: Account, alices_key: NewKey, gateway: Gateway) -> None:
    old = new_team("Old", alice, limits=Limits(daily=100))
    assert ask(gateway, alices_key, 100, "r-1").decision.is_allowed
    new = new_team("New", limits=Limits(daily=150))

    def move(session) -> None:
        assert lock_account(session, alice.id) == old
        session.execute(update(Account).where(Account.id == alice.id).values(team_id=new))
        session.execute(update(Reservation).where(Reservation.account_id == alice.id).values(team_id=new))

    run(move)
    assert ask(gateway, alices_key, 51).decision.owner is TEAM
    assert ask(gateway, alices_key, 50, "r-2").decision.is_allowed


@pytest.mark.parametrize(
    ("limits", "statements"),
    [
        pytest.param(Limits(), ["SELECT"] * 4 + ["INSERT"], id="the team has no limits"),
        pytest.param(Limits(daily=1000), ["SELECT"] * 5 + ["INSERT"], id="the team has limits"),
    ],
)
def test_few_statements_reserve_in_a_team(
    limits: Limits, statements: list[str], alice: Account, alices_key: NewKey, gateway: Gateway, db: Database
) -> None:
    new_team("Research", alice, limits=limits)
    executed: list[str] = []

    def note(connection, cursor, statement, *rest: object) -> None:
        executed.append(statement.split()[0])

    ask(gateway, alices_key)
    sql_event.listen(db.engine, "before_cursor_execute", note)
    ask(gateway, alices_key, 5, "r-1")
    sql_event.remove(db.engine, "before_cursor_execute", note)
    assert [word for word in executed if word != "BEGIN"] == statements
