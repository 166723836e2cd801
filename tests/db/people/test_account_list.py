"""The list of accounts: what the database finds, in which order, and with which figures."""

from typing import Any

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.people.deletion import delete_account
from portal.actions.spending.budgets import set_budget
from portal.db.people.account_list import AccountListRow, account_list
from portal.db.sql.lists import Order, Position, list_before, list_count, list_page, list_rows
from portal.db.tables import Account
from portal.rules.lists import ListFilter
from portal.rules.people.account_list import ACCOUNT_LIST
from portal.rules.periods import Period, day_of
from portal.rules.spending.budgets import Limits
from portal.settings import settings
from tests.cast import NOW, OPERATOR, Gateway, create_member, report, run, send


def found(order: str = "username", limit: int = 100, /, **params: str) -> list[str]:
    """Return the user names of the list, read in pages of `limit`, first forwards and then backwards."""
    query = account_list(ACCOUNT_LIST.parse(params), day_of(NOW, settings().budget_zone), NOW)
    by = Order(order.removeprefix("-"), order.startswith("-"))
    names: list[str] = []
    page = run(list_page, query, by, limit)
    while page:
        assert run(list_before, query, by, page[0][1]) == len(names)
        names += [row.username for row, _ in page]
        page = run(list_page, query, by, limit, page[-1][1])
    assert names == [row.username for row in run(lambda session: list(list_rows(session, query, by)))]
    assert run(list_count, query) == len(names)
    return names


def row_of(name: str) -> AccountListRow:
    query = account_list(ListFilter(search=name), day_of(NOW, settings().budget_zone), NOW)
    ((row, _),) = run(list_page, query, Order("username"), 5)
    return row


@pytest.fixture
def people(alice: Account, bob: Account, charlie: Account, admin: Account, gateway: Gateway) -> None:
    """Four accounts: Alice has used more than Bob, but less of her budget."""
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    run(set_budget, OPERATOR, alice.id, Limits(monthly=10_000), NOW)
    run(set_budget, OPERATOR, bob.id, Limits(daily=150, total=1_000_000), NOW)
    run(set_active, OPERATOR, charlie.id, False, NOW)


@pytest.mark.parametrize(
    ("order", "names"),
    [
        ("username", ["alice", "bob", "charlie", "root"]),
        ("-username", ["root", "charlie", "bob", "alice"]),
        ("-tokens", ["alice", "bob", "root", "charlie"]),
        ("-cost", ["alice", "bob", "root", "charlie"]),
        ("-level", ["bob", "alice", "root", "charlie"]),
        ("role", ["root", "alice", "bob", "charlie"]),
        ("status", ["alice", "bob", "root", "charlie"]),
        ("-name", ["root", "charlie", "bob", "alice"]),
        ("email", ["alice", "bob", "charlie", "root"]),
        ("signed_in", ["alice", "bob", "charlie", "root"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 3])
def test_list_is_sorted_and_paged(people: None, order: str, names: list[str], limit: int) -> None:
    assert found(order, limit) == names
    assert found(order, limit, role="user") == [name for name in names if name != "root"]


def test_pages_lead_backwards_too(people: None) -> None:
    query, by = account_list(ListFilter(), day_of(NOW, settings().budget_zone), NOW), Order("tokens", descending=True)
    last = run(list_page, query, by, 100)[-1][1]
    before = run(list_page, query, by, 2, last, backwards=True)
    assert [row.username for row, _ in before] == ["bob", "root"]


def test_position_may_be_of_a_row_that_is_gone(people: None) -> None:
    query = account_list(ListFilter(), day_of(NOW, settings().budget_zone), NOW)
    page = run(list_page, query, Order("username"), 5, Position("bobby", 1))
    assert [row.username for row, _ in page] == ["charlie", "root"]


@pytest.mark.parametrize(
    ("params", "names"),
    [
        pytest.param({"search": "ALICE"}, ["alice"], id="user name in upper case"),
        pytest.param({"search": "example.org"}, ["alice", "bob", "charlie", "root"], id="part of the address"),
        pytest.param({"search": "%"}, [], id="a wildcard is a character"),
        pytest.param({"search": "_"}, [], id="another wildcard"),
        pytest.param({"status": "suspended"}, ["charlie"], id="suspended"),
        pytest.param({"status": "active", "role": "user"}, ["alice", "bob"], id="two choices"),
        pytest.param({"role": "admin", "search": "bob"}, [], id="nobody"),
    ],
)
def test_list_is_searched_and_filtered(people: None, params: dict[str, str], names: list[str]) -> None:
    assert found("username", 100, **params) == names


def test_search_ignores_case_of_all_letters(alice: Account) -> None:
    def rename(session: Any) -> None:
        session.get(Account, alice.id).display_name = "Ärzte ŁÓDŹ"

    run(rename)
    assert found(search="äRZTE łódź") == ["alice"]
    assert found(search="arzte") == []


def test_deleted_accounts_are_listed_on_demand(people: None, bob: Account) -> None:
    run(delete_account, OPERATOR, bob.id, NOW)
    assert found() == ["alice", "charlie", "root"]
    assert found(status="deleted") == [f"deleted-{bob.id}"]
    assert found(status="all") == ["alice", "charlie", f"deleted-{bob.id}", "root"]


def test_row_has_the_usage_and_limits_of_its_account_only(people: None) -> None:
    row = row_of("alice")
    assert row.limits == Limits(monthly=10_000)
    assert row.used == dict.fromkeys(Period, 1000)
    assert (row.month.tokens, row.month.requests, row.month.unpriced) == (1000, 1, 0)
    assert row_of("charlie").used == dict.fromkeys(Period, 0)


def test_account_without_usage_is_listed(db: object) -> None:
    create_member("new")
    assert row_of("new").month.requests == 0
