"""Requests for more tokens: asked by people, decided once by somebody else, answered by bell and mail."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from portal.actions.bell import read_bell
from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.spending.budget_requests import (
    approve_request,
    ask_for_more,
    decline_request,
    withdraw_request,
)
from portal.actions.spending.budgets import set_budget
from portal.db.outbox import messages_of
from portal.db.spending.budgets import limits_in_force
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.allowances import LONGEST
from portal.rules.spending.budget_requests import RequestState
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from portal.views.bell import count_unread, load_bell
from portal.views.people.accounts import load_viewer
from portal.views.spending.allowances import load_allowances
from portal.views.spending.budget_requests import BudgetRequestView, load_own_requests
from tests.cast import NOW, OPERATOR, acting, audit_log, create_member, run

END_OF_NOVEMBER = datetime(2026, 12, 1, tzinfo=NOW.tzinfo)
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def limited(alice: Account) -> Account:
    """Alice, who may use 1,000 tokens a day and 20,000 a month."""
    run(set_budget, OPERATOR, alice.id, Limits(1000, 20_000), NOW)
    return alice


def ask(account: Account, period: Period = Period.MONTHLY, tokens: int = 5000, reason: str = "A thesis") -> int:
    return run(ask_for_more, acting(account), period, tokens, reason, NOW)


def requests_of(account: Account) -> tuple[BudgetRequestView, ...]:
    return run(load_own_requests, account.id)


def test_request_is_approved_as_it_was_asked(limited: Account, bob: Account, admin: Account) -> None:
    number = ask(limited)
    allowance = run(approve_request, acting(admin), number, LATER)
    assert run(limits_in_force, limited.id, LATER) == Limits(1000, 25_000)
    (view,) = requests_of(limited)
    assert (view.id, view.state, view.decided_by, view.decided_at) == (number, RequestState.APPROVED, "root", LATER)
    assert (view.granted_tokens, view.granted_until) == (5000, END_OF_NOVEMBER)
    (granted,) = run(load_allowances, limited.id, LATER)
    assert (granted.id, granted.reason, granted.granted_by) == (allowance, "A thesis", "root")
    assert requests_of(bob) == ()
    assert [what for _, what, _ in audit_log()][-3:] == [
        "budget_request.ask",
        "allowance.grant",
        "budget_request.approve",
    ]


def test_amount_and_end_may_be_edited(limited: Account) -> None:
    end = NOW + timedelta(days=90)
    run(approve_request, OPERATOR, ask(limited), LATER, tokens=100, ends_at=end, answer="For now")
    (view,) = requests_of(limited)
    assert (view.tokens, view.granted_tokens, view.granted_until, view.answer) == (5000, 100, end, "For now")
    assert view.decided_by is None


def test_declined_request_has_a_word_and_no_tokens(limited: Account, admin: Account) -> None:
    run(decline_request, acting(admin), ask(limited), "Use the small model", LATER)
    (view,) = requests_of(limited)
    assert (view.state, view.answer, view.granted_tokens) == (RequestState.DECLINED, "Use the small model", None)
    assert run(limits_in_force, limited.id, LATER) == Limits(1000, 20_000)
    assert run(load_allowances, limited.id, LATER) == ()


def test_answer_is_in_the_bell_until_it_was_read(limited: Account, bob: Account) -> None:
    run(decline_request, OPERATOR, ask(limited), "No", NOW)
    run(approve_request, OPERATOR, ask(limited, Period.DAILY), LATER)
    ask(limited)
    bell = run(load_bell, limited.id, LATER)
    assert (bell.unread, [item.at for item in bell.items]) == (2, [LATER, NOW])
    session = run(lambda db: open_session_for(db, limited.id, Browser("Firefox", "127.0.0.1"), NOW))
    viewer = run(load_viewer, session.token, NOW)
    assert viewer is not None
    assert viewer.unread == 2
    run(read_bell, acting(limited), None, NOW, LATER)
    assert run(count_unread, limited.id) == 1
    run(read_bell, acting(limited), None, LATER, LATER)
    assert run(count_unread, limited.id) == 0
    assert run(count_unread, bob.id) == 0


def test_answer_is_mailed_in_the_language_of_the_person(limited: Account, settings_env: Callable[..., None]) -> None:
    settings_env(base_url="https://portal.example.org", smtp_host="mail.example.org", smtp_from="portal@example.org")

    def speak_german(session: Session) -> None:
        session.get_one(Account, limited.id).language = "de"

    run(speak_german)
    run(approve_request, OPERATOR, ask(limited), NOW)
    run(decline_request, OPERATOR, ask(limited, Period.DAILY), "Nächste Woche wieder", NOW)
    mails = run(messages_of, limited.id, 5)
    assert [mail.subject for mail in mails] == [
        "Ihre Anfrage nach mehr Token wurde abgelehnt",
        "Ihre Anfrage nach mehr Token wurde genehmigt",
    ]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tokens": 0}, "tokens"),
        ({"tokens": -5}, "tokens"),
        ({"tokens": MAX_LIMIT + 1}, "tokens"),
        ({"reason": "\n"}, "reason"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\x00b"}, "reason"),
        ({"period": Period.TOTAL}, "period"),
    ],
)
def test_malformed_request_is_not_stored(limited: Account, values: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ask(limited, **values)  # type: ignore[arg-type]  # a value of its field
    assert caught.value.field == field
    assert requests_of(limited) == ()


def test_of_a_one_time_budget_only_the_total_is_asked_for(alice: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(1, 1, 1, BudgetType.ONE_TIME), NOW)
    with pytest.raises(InvalidInput):
        ask(alice, Period.DAILY)
    ask(alice, Period.TOTAL)


def test_each_period_has_one_open_request(limited: Account, bob: Account) -> None:
    number = ask(limited)
    ask(limited, Period.DAILY)
    with pytest.raises(Conflict, match="already"):
        ask(limited)
    run(withdraw_request, acting(limited), number, NOW)
    ask(limited)
    states = [view.state for view in requests_of(limited)]
    assert states == [RequestState.OPEN, RequestState.OPEN, RequestState.WITHDRAWN]


def test_of_two_requests_at_once_one_is_stored(limited: Account) -> None:
    assert sorted(at_once(lambda: ask(limited), Conflict)) == [False, True]
    assert len(requests_of(limited)) == 1


def test_of_two_decisions_at_once_one_counts(limited: Account, admin: Account) -> None:
    number = ask(limited)
    assert sorted(at_once(lambda: run(approve_request, acting(admin), number, LATER), Conflict)) == [False, True]
    assert len(run(load_allowances, limited.id, LATER)) == 1


def at_once(work: Callable[[], object], refusal: type[Exception]) -> list[bool]:
    def attempt(_: int) -> bool:
        try:
            work()
        except refusal:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(attempt, range(2)))


def test_second_decision_hears_who_has_decided(limited: Account, admin: Account) -> None:
    number = ask(limited)
    run(decline_request, acting(admin), number, "No", NOW)
    for decide in (
        lambda: run(approve_request, OPERATOR, number, NOW),
        lambda: run(decline_request, OPERATOR, number, "No", NOW),
        lambda: run(withdraw_request, acting(limited), number, NOW),
    ):
        with pytest.raises(Conflict, match="decided already, by root"):
            decide()


def test_withdrawn_request_cannot_be_decided(limited: Account) -> None:
    number = ask(limited)
    run(withdraw_request, acting(limited), number, NOW)
    with pytest.raises(Conflict, match="withdrawn"):
        run(approve_request, OPERATOR, number, NOW)
    assert run(count_unread, limited.id) == 0


@pytest.mark.parametrize(
    ("decide", "field"),
    [
        (lambda db, who, of: approve_request(db, who, of, NOW, tokens=0), "tokens"),
        (lambda db, who, of: approve_request(db, who, of, NOW, ends_at=NOW), "ends_at"),
        (lambda db, who, of: approve_request(db, who, of, NOW, ends_at=NOW + 2 * LONGEST), "ends_at"),
        (lambda db, who, of: approve_request(db, who, of, NOW, answer="x" * 501), "answer"),
        (lambda db, who, of: decline_request(db, who, of, " ", NOW), "answer"),
        (lambda db, who, of: decline_request(db, who, of, "\ud800", NOW), "answer"),
    ],
)
def test_malformed_decision_leaves_the_request_open(
    limited: Account, decide: Callable[[Session, Actor, int], object], field: str
) -> None:
    number = ask(limited)
    with pytest.raises(InvalidInput) as caught:
        run(decide, OPERATOR, number)
    assert caught.value.field == field
    assert [view.state for view in requests_of(limited)] == [RequestState.OPEN]


def test_request_for_a_limit_that_is_gone_stays_open(limited: Account) -> None:
    number = ask(limited)
    run(set_budget, OPERATOR, limited.id, Limits(1000), NOW)
    with pytest.raises(InvalidInput, match="no limit"):
        run(approve_request, OPERATOR, number, NOW)
    assert [view.state for view in requests_of(limited)] == [RequestState.OPEN]


def test_only_administrators_decide_also_their_own(limited: Account, bob: Account, admin: Account) -> None:
    number = ask(limited)
    for actor in (acting(limited), acting(bob)):
        for decide in (
            lambda who=actor: run(approve_request, who, number, NOW),
            lambda who=actor: run(decline_request, who, number, "No", NOW),
            lambda who=actor: run(decline_request, who, 10**6, "No", NOW),
        ):
            with pytest.raises(Forbidden):
                decide()
    run(set_budget, OPERATOR, admin.id, Limits(monthly=1), NOW)
    run(approve_request, acting(admin), ask(admin), NOW)
    assert [view.state for view in requests_of(limited)] == [RequestState.OPEN]


def test_nobody_sees_or_withdraws_the_request_of_another(limited: Account, bob: Account) -> None:
    number = ask(limited)
    for other in (number, 10**6):
        with pytest.raises(NotFound):
            run(withdraw_request, acting(bob), other, NOW)
    with pytest.raises(NotFound):
        run(approve_request, OPERATOR, 10**6, NOW)


def test_suspended_person_asks_for_nothing(limited: Account) -> None:
    create_member("other", role="admin")
    run(set_active, OPERATOR, limited.id, False, NOW)
    with pytest.raises(NotSignedIn):
        ask(limited)


def test_deleting_a_person_erases_requests(limited: Account) -> None:
    number = ask(limited)
    run(approve_request, OPERATOR, ask(limited, Period.DAILY), NOW)
    run(delete_account, OPERATOR, limited.id, NOW)
    assert requests_of(limited) == ()
    with pytest.raises(NotFound):
        run(approve_request, OPERATOR, number, NOW)
