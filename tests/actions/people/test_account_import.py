"""Importing accounts: all of them or none."""

from collections.abc import Callable
from dataclasses import asdict

import pytest

from portal.actions.people.account_import import (
    ImportResult,
    import_accounts,
    mail_links,
    plan_import,
    read_import,
)
from portal.actions.people.password_resets import LinkDelivery, owner_of
from portal.actions.spending.default_budgets import set_default_budget
from portal.db.people.accounts import account_named, all_accounts
from portal.db.people.teams import team_named
from portal.db.spending.budgets import limits
from portal.db.sql.session import Database
from portal.db.tables import Account, OutboxMessage
from portal.errors import Conflict, Forbidden, InvalidInput
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, acting, audit_log, new_team, run

RIGHT = b"username,email,team,daily,role\ndora,dora@example.org,physics,5,\nemil,emil@example.org,,,expert\n"
WRONG = RIGHT + b"alice,other@example.org,,,\nfritz,nowhere,,,\n"


def imported(content: bytes, **options: object) -> ImportResult:
    return run(import_accounts, OPERATOR, read_import(content), NOW, **options)  # type: ignore[arg-type]


def names() -> list[str]:
    return [row.username for row in run(all_accounts)]


def test_each_row_becomes_an_account(alice: Account) -> None:
    new_team("Physics")
    run(set_default_budget, OPERATOR, Role.EXPERT, Limits(total=9), NOW)
    result = imported(RIGHT)
    dora, emil = (run(account_named, name) for name in ("dora", "emil"))
    assert dora is not None
    assert emil is not None
    team = run(team_named, "Physics")
    assert (dora.team_id, emil.team_id) == (team and team.id, None)
    assert run(limits, dora.id) == Limits(daily=5)
    assert run(limits, emil.id) == Limits(total=9)
    assert [run(owner_of, each.link.partition("=")[2], NOW) for each in result.accounts] == ["dora", "emil"]
    log = [entry for entry in audit_log() if entry[1].startswith("account.")]
    assert [action for _, action, _ in log] == ["account.create", "account.create", "account.import"]
    assert log[0][2]["team"] == "physics"
    assert log[0][2]["budget"] == asdict(Limits(daily=5))
    assert log[2][2] == {"created": 2, "skipped": 0}


def test_wrong_rows_keep_all_others_out(alice: Account) -> None:
    new_team("Physics")
    with pytest.raises(Conflict, match="2 of 4 rows are wrong"):
        imported(WRONG)
    assert names() == ["alice"]


def test_right_rows_are_imported_on_request(alice: Account) -> None:
    new_team("Physics")
    assert imported(WRONG, skip_wrong=True, links=LinkDelivery.NONE).skipped == 2
    assert names() == ["alice", "dora", "emil"]


def test_file_without_a_right_row_is_refused(alice: Account) -> None:
    with pytest.raises(Conflict, match="No row is right"):
        imported(b"username,email\nalice,a@example.org\n", skip_wrong=True)


def test_preview_changes_nothing(alice: Account) -> None:
    plan = run(plan_import, OPERATOR, read_import(WRONG))
    assert (len(plan.right), plan.wrong, plan.encoding) == (1, 3, "UTF-8")
    assert names() == ["alice"]


def test_unreadable_file_is_refused() -> None:
    with pytest.raises(InvalidInput, match="no column"):
        read_import(b"password\nx\n")


def test_only_administrators_import(alice: Account) -> None:
    with pytest.raises(Forbidden):
        run(plan_import, acting(alice), read_import(RIGHT))
    with pytest.raises(Forbidden):
        run(import_accounts, acting(alice), read_import(RIGHT), NOW)


def test_links_are_mailed(db: Database, settings_env: Callable[..., None]) -> None:
    content = b"username,email\ndora,dora@example.org\n"
    with pytest.raises(Conflict, match="not set up"):
        imported(content, links=LinkDelivery.MAIL)
    settings_env(base_url="https://portal.example.org", smtp_host="mail.example.org", smtp_from="portal@example.org")
    result = imported(content, links=LinkDelivery.MAIL)
    assert [each.link for each in result.accounts] == [""]
    assert mail_links(OPERATOR, [each.id for each in result.accounts], NOW) == 1
    kinds = run(lambda session: [row.kind for row in session.query(OutboxMessage)])
    assert kinds == ["password link"]
