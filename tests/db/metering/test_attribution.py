"""Attribution of reported usage to accounts."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from portal.db.metering.attribution import _BY_NAME_OR_EMAIL, Owner, owners_by_key, owners_by_name
from portal.db.metering.totals import add_parts
from portal.db.people.accounts import add_account
from portal.db.people.keys import add_key, note_last_use
from portal.db.spending.budgets import set_limits
from portal.db.tables import Account, UsageCounter
from portal.db.templates import save_template
from portal.rules.metering.figures import Figures
from portal.rules.metering.rollups import CounterKey
from portal.rules.periods import EPOCH_DAY, Period
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, run, total_of

USED = Figures(7, 3, 4, 1, 140_000)


def test_a_key_leads_to_its_account_even_when_it_has_ended(alice: Account, bob: Account) -> None:
    works = run(add_key, alice.id, "works", "mp-1", "laptop", None, NOW).id
    over = run(add_key, bob.id, "over", "mp-2", "server", NOW - timedelta(days=1), NOW).id
    run(note_last_use, {works: NOW})
    assert run(owners_by_key, ["works", "over", "unknown"]) == {
        "works": Owner(alice.id, works, NOW, None, False, None, Figures()),
        "over": Owner(bob.id, over, None, None, False, None, Figures()),
    }


def test_a_name_leads_to_its_account_without_a_key(alice: Account, bob: Account) -> None:
    assert run(owners_by_name, ["alice", "nobody"]) == {
        "alice": Owner(alice.id, None, None, None, False, None, Figures())
    }


def test_an_owner_tells_whether_there_is_a_budget_to_watch(alice: Account, bob: Account) -> None:
    run(set_limits, alice.id, Limits(daily=10), NOW)
    found = run(owners_by_name, ["alice", "bob"])
    assert (found["alice"].has_budget, found["bob"].has_budget) == (True, False)


def test_an_owner_has_the_cost_factor_and_the_lifetime_sums(alice: Account, bob: Account) -> None:
    def assign(session: Session) -> None:
        research = save_template(session, "research", Decimal("1.5"), [], NOW)
        session.get_one(Account, alice.id).template_id = research.id

    run(assign)
    total, today = CounterKey(alice.id, Period.TOTAL, EPOCH_DAY), CounterKey(alice.id, Period.DAILY, NOW.date())
    run(add_parts, total_of(UsageCounter), {total: USED, today: USED})
    found = run(owners_by_name, ["alice", "bob"])
    assert (found["alice"].cost_factor, found["alice"].lifetime) == (Decimal("1.5"), USED)
    assert (found["bob"].cost_factor, found["bob"].lifetime) == (None, Figures())


def test_nobody_is_asked_about(alice: Account) -> None:
    assert run(owners_by_key, []) == run(owners_by_name, set()) == {}


@pytest.mark.parametrize("name", ["alice@example.org", "Alice@EXAMPLE.org"])
def test_an_email_address_names_its_account(alice: Account, bob: Account, name: str) -> None:
    owner = Owner(alice.id, None, None, None, False, None, Figures())
    assert run(owners_by_name, [name, "nobody@example.org"]) == {name: owner}


def test_several_names_of_one_account_are_all_found(alice: Account, bob: Account) -> None:
    found = run(owners_by_name, ["alice", "alice@example.org", "ALICE@example.org", "bob", "bob@example.org"])
    assert {name: owner.account_id for name, owner in found.items()} == {
        **dict.fromkeys(["alice", "alice@example.org", "ALICE@example.org"], alice.id),
        **dict.fromkeys(["bob", "bob@example.org"], bob.id),
    }


def test_letters_beyond_ascii_are_compared_without_case(alice: Account, bob: Account) -> None:
    run(_set_email, bob, "böb.ÉCOLE@example.org")
    found = run(owners_by_name, ["BÖB.École@example.org", "bo\u0308b.e\u0301cole@example.org"])
    assert [owner.account_id for owner in found.values()] == [bob.id, bob.id]


def test_a_username_wins_over_an_equal_address(alice: Account) -> None:
    named = run(add_account, "alice@example.org", "Another Alice", "", "user", None, NOW)
    assert run(owners_by_name, ["alice@example.org"])["alice@example.org"].account_id == named.id


def test_accounts_without_an_address_are_not_found_by_one(alice: Account, bob: Account) -> None:
    run(_set_email, alice, "")
    run(_set_email, bob, "")
    assert run(owners_by_name, ["@", "alice@example.org", ""]) == {}


_MANY_ACCOUNTS = """
INSERT INTO accounts (username, display_name, email, email_key, role, active, language, theme, created_at)
SELECT 'many' || n, 'Many', n || '@many.example', n || '@many.example', 'user', true, 'en', 'system', now()
FROM generate_series(1, 5000) AS n
"""


def test_accounts_are_looked_up_in_the_index_of_addresses(alice: Account) -> None:
    def plan(session: Session) -> str:
        connection = session.connection()
        compiled = _BY_NAME_OR_EMAIL.compile(connection)
        values = {**compiled.params, "wanted": '["a"]', "keys": '["a@example.org"]'}
        if connection.dialect.name == "sqlite":
            return str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all())
        with connection.begin_nested() as undone:  # of a few rows, an index is no better than the table
            connection.exec_driver_sql(_MANY_ACCOUNTS)
            for table in ("accounts", "budgets", "usage_counters", "expert_templates"):
                connection.exec_driver_sql(f"ANALYZE {table}")
            found = str(connection.exec_driver_sql(f"EXPLAIN {compiled}", values).all())
            undone.rollback()
        return found

    found = run(plan)
    assert "ix_accounts_email_key" in found
    assert "uq_accounts_username" in found or "sqlite_autoindex_accounts" in found


def _set_email(session: Session, account: Account, email: str) -> None:
    session.get_one(Account, account.id).email = email
