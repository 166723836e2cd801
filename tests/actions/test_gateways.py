import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from portal.actions.accounts import set_active
from portal.actions.gateways import (
    NewGateway,
    connect_gateway,
    create_gateway,
    end_gateway_token,
    import_gateway,
    new_gateway_token,
    revoke_gateway_tokens,
    rotate_gateway_token,
)
from portal.db.gateways import all_gateways, gateway_with_token, tokens_of
from portal.db.sql.session import Database
from portal.db.tables import Account, AuditEntry
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.secrets import GATEWAY_TOKEN, digest, is_secret, key_prefix
from tests.cast import NOW, Gateway, create_member, run


def done(database: Database) -> list[tuple[str, str]]:
    """Return who did what, in order."""
    with database.reading() as session:
        return [(row.actor, row.action) for row in session.query(AuditEntry).order_by(AuditEntry.id)]


def opens(token: str) -> bool:
    return run(gateway_with_token, digest(token)) is not None


def test_an_administrator_connects_a_gateway(db: Database, admin: Account) -> None:
    made = run(connect_gateway, admin.id, " litellm ", "moe_orchestrated", NOW)
    assert made.name == "litellm"
    found = run(gateway_with_token, digest(made.token or ""))
    assert found is not None
    assert (found.id, found.mode) == (made.id, "moe_orchestrated")
    assert done(db) == [("root", "gateway.create"), ("root", "gateway.token")]


def test_a_gateway_that_is_read_gets_no_token(db: Database, admin: Account) -> None:
    made = run(connect_gateway, admin.id, "moe-sovereign", "native", NOW, with_token=False)
    assert made == NewGateway(made.id, "moe-sovereign", None)
    assert run(tokens_of, made.id) == []
    assert done(db) == [("root", "gateway.create")]


@pytest.mark.parametrize("with_token", [True, False])
def test_a_name_is_taken_once(admin: Account, gateway: Gateway, with_token: bool) -> None:
    with pytest.raises(Conflict):
        run(connect_gateway, admin.id, gateway.name, "native", NOW, with_token=with_token)


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "own-reports"])
def test_a_senseless_name_is_refused(admin: Account, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(connect_gateway, admin.id, name, "native", NOW)
    assert refused.value.field == "name"


def test_a_token_is_changed_without_a_gap(admin: Account, gateway: Gateway) -> None:
    fresh = run(new_gateway_token, admin.id, gateway.id, NOW)
    assert opens(fresh)
    assert opens(gateway.token)
    run(end_gateway_token, admin.id, gateway.id, key_prefix(gateway.token), NOW)
    assert opens(fresh)
    assert not opens(gateway.token)


def test_only_administrators_who_still_are_may_do_that(alice: Account, admin: Account, gateway: Gateway) -> None:
    create_member("other", role="admin")  # the last one could not be suspended
    run(set_active, "test", "root", False, NOW)
    for account in (alice, admin):
        for act in (
            lambda session, who: connect_gateway(session, who, "x", "native", NOW),
            lambda session, who: new_gateway_token(session, who, gateway.id, NOW),
            lambda session, who: end_gateway_token(session, who, gateway.id, key_prefix(gateway.token), NOW),
        ):
            with pytest.raises(Forbidden):
                run(act, account.id)
    assert opens(gateway.token)


def test_what_is_not_there_is_not_found(admin: Account) -> None:
    def end(session: Session) -> None:
        end_gateway_token(session, admin.id, 99, "moe-gw-123456789", NOW)

    with pytest.raises(NotFound):
        run(end)
    with pytest.raises(NotFound):
        run(new_gateway_token, admin.id, 99, NOW)


def written() -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audit log: who, what, details."""
    rows = run(lambda session: list(session.scalars(select(AuditEntry).order_by(AuditEntry.id))))
    return [(row.actor, row.action, json.loads(row.details)) for row in rows]


# Gateways


def test_a_gateway_gets_a_token_that_is_kept_as_a_digest(db: Database) -> None:
    token = run(create_gateway, "root", " moe-1 ", NOW)
    assert is_secret(token, GATEWAY_TOKEN)
    assert opens(token)
    assert [row.name for row in run(all_gateways)] == ["moe-1"]
    assert written() == [
        ("root", "gateway.create", {"name": "moe-1", "mode": "native"}),
        ("root", "gateway.token", {"name": "moe-1", "prefix": token[:16]}),
    ]


def test_a_gateways_name_is_taken_once(db: Database) -> None:
    run(create_gateway, "root", "moe-1", NOW)
    with pytest.raises(Conflict, match="called moe-1 already"):
        run(create_gateway, "root", "moe-1", NOW)
    assert len(run(all_gateways)) == 1


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x00", "\ud800", "two\nlines"])
def test_a_malformed_name_makes_no_gateway(db: Database, name: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(create_gateway, "root", name, NOW)
    assert caught.value.field == "name"
    assert run(all_gateways) == []


def test_tokens_are_rotated_one_after_the_other(db: Database) -> None:
    first = run(create_gateway, "root", "moe-1", NOW)
    second = run(rotate_gateway_token, "root", "moe-1", NOW)
    other = run(create_gateway, "root", "moe-2", NOW)
    assert [opens(token) for token in (first, second, other)] == [True, True, True]
    assert run(revoke_gateway_tokens, "root", "moe-1", first[:16], NOW) == 1
    assert [opens(token) for token in (first, second, other)] == [False, True, True]
    assert run(revoke_gateway_tokens, "root", "moe-1", None, NOW) == 1
    assert run(revoke_gateway_tokens, "root", "moe-1", None, NOW) == 0
    assert [opens(token) for token in (first, second, other)] == [False, False, True]
    assert written()[-1] == ("root", "gateway.revoke", {"name": "moe-1", "prefix": None, "revoked": 0})
    assert not any(token[16:] in json.dumps(written()) for token in (first, second, other))


def test_imported_usage_gets_a_gateway_without_a_token_once(db: Database) -> None:
    made = run(import_gateway, "root", " litellm ", NOW, "moe_orchestrated")
    assert (made.name, made.mode, run(tokens_of, made.id)) == ("litellm", "moe_orchestrated", [])
    assert run(import_gateway, "root", "litellm", NOW).id == made.id
    assert [row.mode for row in run(all_gateways)] == ["moe_orchestrated"]
    assert written() == [("root", "gateway.create", {"name": "litellm", "mode": "moe_orchestrated"})]


def test_it_goes_to_the_gateway_that_is_there(db: Database) -> None:
    token = run(create_gateway, "root", "moe-1", NOW)
    assert run(import_gateway, "root", "moe-1", NOW).name == "moe-1"
    assert opens(token)
    assert len(run(all_gateways)) == 1


@pytest.mark.parametrize(("name", "mode"), [("", "native"), ("two\nlines", "native"), ("moe-1", "")])
def test_a_malformed_gateway_of_imports_is_not_made(db: Database, name: str, mode: str) -> None:
    with pytest.raises(InvalidInput):
        run(import_gateway, "root", name, NOW, mode)
    assert run(all_gateways) == []


# Budgets
