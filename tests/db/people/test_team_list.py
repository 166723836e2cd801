"""The list of teams, and one team with its members: what the database finds, and with which figures."""

from datetime import timedelta

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.people.teams import add_manager, change_team, move_account, set_team_active
from portal.actions.spending.allowances import grant_allowance
from portal.actions.spending.budgets import set_budget
from portal.db.people.team_list import team_list
from portal.db.sql.lists import Order, list_count, list_page
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import Forbidden, NotFound
from portal.rules.metering.figures import total
from portal.rules.people.team_list import TEAM_LIST
from portal.rules.periods import Period, day_of
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits, PeriodBudget
from portal.settings import settings
from portal.views.people import teams
from portal.views.people.teams import load_candidates, load_team, load_team_names
from tests.cast import NOW, OPERATOR, Gateway, acting, new_team, report, run, send


def found(order: str = "name", limit: int = 100, /, **params: str) -> list[str]:
    """Return the names in the list, read in pages of `limit`."""
    query = team_list(TEAM_LIST.parse(params), day_of(NOW, settings().budget_zone))
    by = Order(order.removeprefix("-"), order.startswith("-"))
    names: list[str] = []
    page = run(list_page, query, by, limit)
    while page:
        names += [row.name for row, _ in page]
        page = run(list_page, query, by, limit, page[-1][1])
    assert run(list_count, query) == len(names)
    return names


@pytest.fixture
def research(alice: Account, bob: Account, charlie: Account, gateway: Gateway) -> int:
    """Research with Alice and Bob, who have used 1,000 and 120 tokens; Lab with Charlie is suspended; Éire is empty."""
    number = new_team("research", alice, bob, limits=Limits(monthly=10_000))
    run(change_team, OPERATOR, number, NOW, cost_centre="K-9")
    lab = new_team("Lab", charlie, limits=Limits(daily=0))
    run(set_team_active, OPERATOR, lab, False, NOW)
    new_team("Éire")
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    return number


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("name", ["Lab", "research", "Éire"]),
        ("-name", ["Éire", "research", "Lab"]),
        ("-members", ["research", "Lab", "Éire"]),
        ("-tokens", ["research", "Éire", "Lab"]),
        ("-cost", ["research", "Éire", "Lab"]),
        ("-level", ["Lab", "research", "Éire"]),
        ("-cost_centre", ["research", "Éire", "Lab"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 3])
def test_list_is_sorted_and_paged(research: int, order: str, names: list[str], limit: int) -> None:
    shown = found(order, limit)
    assert [name for name in shown if name != "Éire"] == [name for name in names if name != "Éire"]
    assert sorted(shown) == sorted(names)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"search": "RESE"}, ["research"]),
        ({"search": "k-9"}, ["research"]),
        ({"search": "éIRE"}, ["Éire"]),
        ({"status": "suspended"}, ["Lab"]),
        ({"search": "a", "status": "active"}, ["research"]),
        ({"search": "%"}, []),
    ],
    ids=str,
)
def test_list_is_searched_and_filtered(research: int, params: dict[str, str], names: list[str]) -> None:
    assert found(**params) == names


def test_card_of_the_month_is_the_sum_of_its_members(
    research: int, alice: Account, charlie: Account, admin: Account
) -> None:
    run(move_account, OPERATOR, alice.id, None, NOW)
    view = run(load_team, acting(admin), research, NOW)
    assert [(member.username, member.figures.tokens) for member in view.members] == [("bob", 120)]
    assert (view.former.tokens, view.former.requests, view.others.requests) == (1000, 1, 0)
    assert view.budgets.monthly.figures == view.item.month == total(m.figures for m in view.members) + view.former
    assert view.days[-1].figures == view.budgets.daily.figures == view.item.month
    assert (view.item.period, view.item.budget) == (Period.MONTHLY, PeriodBudget(10_000, 1120))
    assert (view.item.members, view.budgets.total.days and view.budgets.total.days.first) == (1, NOW.date())


def test_members_have_the_rest_of_their_own_budgets(research: int, alice: Account, bob: Account) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=5000, monthly=4000), NOW)
    first, second = run(load_team, OPERATOR, research, NOW).members
    assert (first.username, first.period, first.budget) == ("alice", Period.MONTHLY, PeriodBudget(4000, 1000))
    assert (first.remaining, second.remaining, second.budget) == (3000, None, None)
    new = NewAllowance(Period.MONTHLY, 700, "for the archive", NOW + timedelta(days=1))
    run(grant_allowance, OPERATOR, alice.id, new, NOW)
    assert run(load_team, OPERATOR, research, NOW).members[0].remaining == 3700


def test_candidates_are_active_accounts_with_their_team(
    research: int, alice: Account, bob: Account, admin: Account
) -> None:
    found = run(load_candidates, acting(admin), "LI")
    assert [(each.username, each.team) for each in found] == [("alice", "research"), ("charlie", "Lab")]
    run(set_active, OPERATOR, alice.id, False, NOW)
    assert [each.username for each in run(load_candidates, acting(admin), "li")] == ["charlie"]
    assert run(load_candidates, acting(admin), "%") == []
    with pytest.raises(Forbidden):
        run(load_candidates, acting(bob), "")


def test_names_of_teams_are_for_administrators(research: int, alice: Account, admin: Account) -> None:
    assert run(load_team_names, acting(admin)) == ("Lab", "research", "Éire")
    run(add_manager, OPERATOR, research, alice.id, NOW)
    with pytest.raises(Forbidden):
        run(load_team_names, acting(alice))


def test_members_beyond_the_most_are_summed(research: int, admin: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teams, "MOST_MEMBERS", 1)
    view = run(load_team, acting(admin), research, NOW)
    assert [member.username for member in view.members] == ["alice"]
    assert (view.others.tokens, view.former.tokens) == (120, 0)


def test_managers_read_their_own_team_only(research: int, bob: Account, alice: Account, db: Database) -> None:
    run(add_manager, OPERATOR, research, bob.id, NOW)
    assert [person.username for person in run(load_team, acting(bob), research, NOW).managers] == ["bob"]
    for person, number in [(bob, research + 1), (alice, research), (bob, 999)]:
        with pytest.raises(Forbidden):
            run(load_team, acting(person), number, NOW)
    with pytest.raises(NotFound):
        run(load_team, OPERATOR, 999, NOW)
