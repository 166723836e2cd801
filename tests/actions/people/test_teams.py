"""Teams: administrators change them, later usage of members counts there, and managers decide for members."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from portal.actions.authority import check_manager_of_account, check_team_manager
from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.people.teams import (
    add_manager,
    change_team,
    create_team,
    delete_team,
    move_account,
    remove_manager,
    set_team_active,
    set_team_budget,
)
from portal.actions.spending.budget_requests import approve_request, ask_for_more, decline_request
from portal.actions.spending.budgets import set_budget
from portal.db.people.teams import managed_teams, team, team_values
from portal.db.spending.budget_requests import count_open
from portal.db.sql.session import Database
from portal.db.tables import Account, Reservation, TeamCounter, UsageEvent
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, PortalError
from portal.rules.people.actors import Actor, Means
from portal.rules.people.teams import TeamValues
from portal.rules.periods import Period
from portal.rules.spending.budget_requests import Decider
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, create_member, new_team, report, run, send

WAIT = 60


def values_of(team_id: int) -> TeamValues:
    found = run(lambda db: None if (row := team(db, team_id)) is None else team_values(row))
    assert found is not None
    return found


def team_of(account: Account) -> int | None:
    return run(lambda db: db.scalar(select(Account.team_id).where(Account.id == account.id)))


# Changing


def test_team_is_created_and_written_down(db: Database) -> None:
    number = run(create_team, OPERATOR, " Research ", "K-100", NOW, Limits(monthly=500))
    assert values_of(number) == TeamValues("Research", "K-100", limits=Limits(monthly=500))
    ((_, action, values),) = audit_log()
    assert (action, values["name"], values["cost_centre"], values["monthly"]) == (
        "team.create",
        "Research",
        "K-100",
        500,
    )


@pytest.mark.parametrize("name", ["research", "RESEARCH "])
def test_two_teams_cannot_have_the_same_name(db: Database, name: str) -> None:
    run(create_team, OPERATOR, "Research", "", NOW)
    other = run(create_team, OPERATOR, "Lab", "", NOW)
    with pytest.raises(Conflict, match="already"):
        run(create_team, OPERATOR, name, "", NOW)
    with pytest.raises(Conflict, match="already"):
        run(change_team, OPERATOR, other, NOW, name=name)
    run(change_team, OPERATOR, other, NOW, name="LAB")
    assert values_of(other).name == "LAB"


def test_each_change_is_one_entry_with_what_differs(db: Database) -> None:
    number = run(create_team, OPERATOR, "Research", "", NOW)
    run(change_team, OPERATOR, number, NOW, name="Research 2", cost_centre="K-1")
    run(set_team_budget, OPERATOR, number, Limits(daily=10), NOW)
    run(set_team_active, OPERATOR, number, False, NOW)
    run(set_team_active, OPERATOR, number, False, NOW)
    assert values_of(number) == TeamValues("Research 2", "K-1", active=False, limits=Limits(daily=10))
    assert [(action, values) for _, action, values in audit_log()][1:] == [
        ("team.edit", {"name": "Research 2", "cost_centre": "K-1"}),
        ("team.budget", {"daily": 10}),
        ("team.suspend", {"active": False}),
    ]


def test_second_of_two_editors_is_refused(db: Database) -> None:
    number = run(create_team, OPERATOR, "Research", "", NOW)
    seen = values_of(number).version
    run(change_team, OPERATOR, number, NOW, name="Lab", version=seen)
    changes: list[Callable[[Session], object]] = [
        lambda db: change_team(db, OPERATOR, number, NOW, name="Office", version=seen),
        lambda db: set_team_budget(db, OPERATOR, number, Limits(1), NOW, version=seen),
        lambda db: set_team_active(db, OPERATOR, number, False, NOW, version=seen),
    ]
    for change in changes:
        with pytest.raises(Conflict, match="meanwhile"):
            run(change)
    assert values_of(number) == TeamValues("Lab")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda db, _: create_team(db, OPERATOR, "", "", NOW), "name"),
        (lambda db, _: create_team(db, OPERATOR, "x", "y" * 65, NOW), "cost_centre"),
        (lambda db, of: change_team(db, OPERATOR, of, NOW, name="a\nb"), "name"),
        (lambda db, of: set_team_budget(db, OPERATOR, of, Limits(daily=-1), NOW), "daily"),
        (lambda db, of: set_team_budget(db, OPERATOR, of, Limits(total=MAX_LIMIT + 1), NOW), "total"),
        (lambda db, of: set_team_budget(db, OPERATOR, of, Limits(1, type=BudgetType.ONE_TIME), NOW), "type"),
    ],
    ids=["no name", "long cost centre", "two lines", "negative limit", "huge limit", "one-time"],
)
def test_bad_value_changes_nothing(db: Database, change: Callable[[Session, int], object], field: str) -> None:
    number = run(create_team, OPERATOR, "Research", "", NOW)
    with pytest.raises(InvalidInput) as refusal:
        run(change, number)
    assert refusal.value.field == field
    assert values_of(number) == TeamValues("Research")


def test_team_with_members_or_usage_is_not_deleted(alice: Account, gateway: Gateway) -> None:
    number = new_team("Research", alice)
    with pytest.raises(Conflict, match="members"):
        run(delete_team, OPERATOR, number, NOW)
    send(gateway, report())
    run(move_account, OPERATOR, alice.id, None, NOW)
    with pytest.raises(Conflict, match="Suspend"):
        run(delete_team, OPERATOR, number, NOW)
    assert values_of(number).name == "Research"


def test_unused_team_is_deleted_with_its_managers(alice: Account) -> None:
    number = new_team("Research")
    run(add_manager, OPERATOR, number, alice.id, NOW)
    run(delete_team, OPERATOR, number, NOW)
    assert run(lambda db: team(db, number)) is None
    assert run(managed_teams, alice.id) == []
    with pytest.raises(NotFound):
        run(delete_team, OPERATOR, number, NOW)


# Members


def test_later_usage_counts_for_the_new_team(alice: Account, gateway: Gateway) -> None:
    first, second = new_team("Research", alice), new_team("Lab")
    send(gateway, report("before"))
    run(move_account, OPERATOR, alice.id, second, NOW)
    send(gateway, report("after"))
    teams = run(lambda db: dict(db.execute(select(UsageEvent.external_id, UsageEvent.team_id)).all()))
    assert teams == {"before": first, "after": second}
    wanted = select(TeamCounter.team_id, TeamCounter.requests).where(TeamCounter.period == Period.TOTAL)
    assert sorted(run(lambda db: db.execute(wanted).all())) == [(first, 1), (second, 1)]
    assert audit_log()[-1][1:] == ("team.move", {"team": "Lab"})


def test_reserved_tokens_move_with_the_account(alice: Account, bob: Account, gateway: Gateway) -> None:
    first, second = new_team("Research", alice, bob), new_team("Lab")

    def hold(db: Session) -> None:
        for account in (alice, bob):
            values = {"request_id": account.username, "tokens": 50, "expires_at": NOW}
            db.add(Reservation(gateway_id=gateway.id, account_id=account.id, team_id=first, **values))

    run(hold)
    run(move_account, OPERATOR, alice.id, second, NOW)
    of_team = select(Reservation.team_id, func.sum(Reservation.tokens)).group_by(Reservation.team_id)
    assert dict(run(lambda db: db.execute(of_team).all())) == {first: 50, second: 50}


def test_account_is_not_moved_where_it_cannot_spend(alice: Account) -> None:
    number, other = new_team("Research", alice), new_team("Lab")
    run(set_team_active, OPERATOR, other, False, NOW)
    refusals: list[tuple[int, int, type[PortalError], str]] = [
        (alice.id, other, Conflict, "suspended"),
        (alice.id, 999, NotFound, "no such team"),
        (999, number, NotFound, "no such account"),
    ]
    for account_id, team_id, kind, sentence in refusals:
        with pytest.raises(kind, match=sentence):
            run(move_account, OPERATOR, account_id, team_id, NOW)
    assert team_of(alice) == number


def test_deleted_account_is_not_moved(alice: Account) -> None:
    number = new_team("Research")
    run(delete_account, OPERATOR, alice.id, NOW)
    with pytest.raises(Conflict, match="deleted"):
        run(move_account, OPERATOR, alice.id, number, NOW)


def test_second_of_two_who_move_an_account_is_refused(alice: Account) -> None:
    first, second = new_team("Research"), new_team("Lab")
    run(move_account, OPERATOR, alice.id, first, NOW, version=alice.version)
    with pytest.raises(Conflict, match="meanwhile"):
        run(move_account, OPERATOR, alice.id, second, NOW, version=alice.version)
    assert team_of(alice) == first


def test_two_who_move_each_other_do_not_block(admin: Account, db: Database) -> None:
    other = create_member("second", role="admin")
    teams = [new_team("Research"), new_team("Lab")]

    def move(actor: Account, account: Account) -> None:
        for number in range(10):
            run(move_account, acting(actor), account.id, teams[number % 2], NOW)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(move, admin, other), pool.submit(move, other, admin)]:
            done.result(WAIT)
    assert (team_of(admin), team_of(other)) == (teams[1], teams[1])


# Managers


@pytest.fixture
def managed(alice: Account, bob: Account, charlie: Account) -> int:
    """The team of Alice and Bob, which Bob manages; Charlie is outside."""
    number = new_team("Research", alice, bob)
    run(add_manager, OPERATOR, number, bob.id, NOW)
    return number


def ask(account: Account) -> int:
    run(set_budget, OPERATOR, account.id, Limits(monthly=1000), NOW)
    return run(ask_for_more, acting(account), Period.MONTHLY, 50, "A thesis", NOW)


def open_count(account: Account) -> int:
    return run(count_open, Decider(account.id, is_administrator=False))


def test_manager_decides_requests_of_members_only(managed: int, alice: Account, bob: Account, charlie: Account) -> None:
    of_alice, of_bob, of_charlie = ask(alice), ask(bob), ask(charlie)
    assert (open_count(alice), open_count(bob), open_count(charlie)) == (0, 1, 0)
    for person, request in [(bob, of_bob), (bob, of_charlie), (alice, of_bob), (charlie, of_alice)]:
        with pytest.raises(Forbidden):
            run(decline_request, acting(person), request, "No", NOW)
    run(approve_request, acting(bob), of_alice, NOW)
    assert open_count(bob) == 0


@pytest.mark.parametrize("ending", ["removed", "suspended", "member moved"])
def test_manager_whose_role_ended_decides_nothing(managed: int, alice: Account, bob: Account, ending: str) -> None:
    request = ask(alice)
    ends: dict[str, Callable[[Session], Any]] = {
        "removed": lambda db: remove_manager(db, OPERATOR, managed, bob.id, NOW),
        "suspended": lambda db: set_active(db, OPERATOR, bob.id, False, NOW),
        "member moved": lambda db: move_account(db, OPERATOR, alice.id, None, NOW),
    }
    run(check_manager_of_account, acting(bob), alice.id)
    run(ends[ending])
    for check, target in [(approve_request, (request, NOW)), (check_manager_of_account, (alice.id,))]:
        with pytest.raises(Forbidden):
            run(check, acting(bob), *target)  # type: ignore[arg-type]


def test_rights_over_a_team(managed: int, alice: Account, bob: Account, admin: Account) -> None:
    for actor in (acting(bob), acting(admin), OPERATOR):
        run(check_team_manager, actor, managed)
    other = new_team("Lab")
    for person, number in [(alice, managed), (bob, other)]:
        with pytest.raises(Forbidden):
            run(check_team_manager, acting(person), number)
    with pytest.raises(Forbidden):
        run(check_team_manager, Actor(Means.ACTING, "root", bob.id), managed)


def test_managers_are_added_and_removed_once(managed: int, bob: Account) -> None:
    run(add_manager, OPERATOR, managed, bob.id, NOW)
    run(remove_manager, OPERATOR, managed, bob.id, NOW)
    run(remove_manager, OPERATOR, managed, bob.id, NOW)
    assert [action for _, action, _ in audit_log()] == ["team.add_manager", "team.remove_manager"]


def test_suspended_account_becomes_no_manager(managed: int, charlie: Account) -> None:
    run(set_active, OPERATOR, charlie.id, False, NOW)
    with pytest.raises(Conflict, match="suspended"):
        run(add_manager, OPERATOR, managed, charlie.id, NOW)
