"""The demo's database: everything ties, everyone can sign in, every state is there to be looked at."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from portal.actions.metering.usage import Result, record_usage
from portal.actions.metering.verification import verify_account
from portal.actions.people.passwords import check_hash
from portal.db.metering.events import count_events
from portal.db.metering.gateways import gateway_named, gateway_with_token
from portal.db.people.accounts import account_named, all_accounts
from portal.db.spending.alerts import alert_settings
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.db.tables import Note, UsageEvent
from portal.demo.history import make_history
from portal.demo.people import ADMIN, OWNER, PASSWORD
from portal.demo.prepare import GATEWAY, fresh_token, is_empty, prepare, prepared_seed
from portal.demo.requests import Traffic
from portal.rules.lists import ListFilter
from portal.rules.people.keys import KeyStatus
from portal.rules.people.secrets import digest
from portal.rules.people.team_list import TeamStatus
from portal.rules.spending.budgets import BudgetType, Level
from portal.views.people.keys import load_active_keys, load_keys
from portal.views.people.teams import load_managed, load_team_rows
from portal.views.spending.budget import load_budgets
from portal.views.templates import load_template
from tests.cast import OPERATOR
from tests.queries import count_held

NOW = datetime(2026, 11, 25, 14, 5, tzinfo=UTC)
TZ = ZoneInfo("UTC")
DAYS = 14


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A demo of two weeks, prepared once."""
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('demo') / 'portal.sqlite3'}")
    migrate(database)
    with database.transaction() as session:
        assert is_empty(session)
        prepare(session, 1, make_history(1, NOW, TZ, days=DAYS), NOW, TZ, lambda _: None)
    yield database
    database.close()


def test_every_sum_ties(demo: Database) -> None:
    with demo.reading() as session:
        accounts = all_accounts(session)
        assert [d for account in accounts for d in verify_account(session, account.id, TZ)] == []
        assert count_events(session) == len(make_history(1, NOW, TZ, days=DAYS))
        assert count_held(session) == {}
        assert prepared_seed(session) == 1
        assert not is_empty(session)


def test_the_promised_people_sign_in_with_the_promised_password(demo: Database) -> None:
    with demo.reading() as session:
        for username, role in ((OWNER, "user"), (ADMIN, "admin")):
            account = account_named(session, username)
            assert account is not None
            assert account.role == role
            assert check_hash(PASSWORD, account.password_hash) == (True, None)


def test_the_three_cards_have_three_colours(demo: Database) -> None:
    with demo.reading() as session:
        owner = account_named(session, OWNER)
        assert owner is not None
        levels = [budget.level for budget in load_budgets(session, owner.id, NOW).all]
        assert levels == [Level.WARNING, Level.NORMAL, Level.CRITICAL]


def test_other_accounts_show_the_other_kinds_of_budget(demo: Database) -> None:
    with demo.reading() as session:
        budgets = [load_budgets(session, account.id, NOW) for account in all_accounts(session)]
    parts = [part.budget for view in budgets for part in view.all]
    assert any(all(part.budget.limit is None for part in view.all) for view in budgets), "unlimited"
    assert any(view.type is BudgetType.ONE_TIME for view in budgets)
    assert any(budget.limit == 0 for budget in parts)
    assert any(budget.over_by for budget in parts)
    assert {budget.level for budget in parts} == {None, *Level}


def test_teams_are_there_in_every_state(demo: Database) -> None:
    with demo.reading() as session:
        teams = list(load_team_rows(session, OPERATOR, ListFilter(), NOW))
        owner = account_named(session, OWNER)
        assert owner is not None
        assert len(load_managed(session, owner.id)) == 2
    assert {team.status for team in teams} == set(TeamStatus)
    assert {team.budget.level if team.budget else None for team in teams} == {None, Level.NORMAL, Level.CRITICAL}
    assert any(team.month.requests for team in teams)


def test_keys_are_there_in_every_state(demo: Database) -> None:
    with demo.reading() as session:
        owner = account_named(session, OWNER)
        assert owner is not None
        keys = load_keys(session, owner.id, NOW).keys
        active = load_active_keys(session, owner.id, NOW)
    assert {key.status for key in keys} == set(KeyStatus)
    assert len(active) >= 4
    assert any(key.last_used_at is None for key in active), "never used"
    assert all(key.created_at <= NOW for key in keys)
    assert any(key.expires_at is not None and key.expires_at > NOW for key in active)


def test_demo_account_has_template_alerts_and_notes(demo: Database) -> None:
    with demo.reading() as session:
        owner = account_named(session, OWNER)
        assert owner is not None
        template = load_template(session, owner.id)
        notes = session.scalars(select(Note.account_id)).all()
        assert alert_settings(session, owner.id).enabled
    assert template is not None
    assert [category.name for category in template.categories] == ["Code", "Reasoning", "Translation"]
    assert {model.required for category in template.categories for model in category.models} == {True, False}
    assert set(notes) == {owner.id}
    assert len(notes) >= 3


def test_events_arrive_after_they_were_requested(demo: Database) -> None:
    with demo.reading() as session:
        late = session.execute(select(UsageEvent.requested_at, UsageEvent.received_at)).all()
    assert all(timedelta(0) <= received - requested < timedelta(DAYS) for requested, received in late)


def test_each_start_gives_the_gateway_one_new_token(demo: Database, tmp_path: Path) -> None:
    with demo.transaction() as session:
        first, second = fresh_token(session, NOW), fresh_token(session, NOW)
        assert gateway_with_token(session, digest(first)) is None
        found = gateway_with_token(session, digest(second))
        assert found is not None
        assert found.name == GATEWAY


def test_live_requests_are_counted_for_the_same_people(demo: Database) -> None:
    traffic = Traffic(1, NOW)
    live = [traffic.request(NOW) for _ in range(50)]
    with demo.transaction() as session:
        gateway = gateway_named(session, GATEWAY)
        assert gateway is not None
        outcomes = record_usage(session, gateway.id, live, TZ, NOW)
        session.rollback()
    assert Counter(outcome.result for outcome in outcomes) == {Result.ACCEPTED: 50}
