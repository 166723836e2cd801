import json
from collections.abc import Callable

import pytest

from portal.actions.metering.gateways import (
    NewGateway,
    connect_program,
    create_gateway,
    create_gateway_token,
    import_gateway,
    revoke_gateway_tokens,
)
from portal.actions.people.accounts import set_active
from portal.db.metering.gateways import all_gateways, gateway_named, gateway_with_token, gateways_of, tokens_of
from portal.db.sql.session import Database
from portal.db.tables import Account, AuditEntry
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn
from portal.rules.metering.programs import Program
from portal.rules.people.secrets import GATEWAY_TOKEN, digest, is_secret, key_prefix
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, create_member, new_gateway, run
from tests.desktops import use_desktop


def done(database: Database) -> list[tuple[str, str]]:
    """Return who did what, in order."""
    with database.reading() as session:
        return [(row.actor, row.action) for row in session.query(AuditEntry).order_by(AuditEntry.id)]


def opens(token: str) -> bool:
    return run(gateway_with_token, digest(token)) is not None


def test_administrator_creates_a_gateway(db: Database, admin: Account) -> None:
    made = run(create_gateway, acting(admin), " litellm ", NOW, "moe_orchestrated")
    assert made.name == "litellm"
    found = run(gateway_with_token, digest(made.token or ""))
    assert found is not None
    assert (found.id, found.mode) == (made.id, "moe_orchestrated")
    assert done(db) == [("root", "gateway.create"), ("root", "gateway.token")]


def test_gateway_of_imported_usage_gets_no_token(db: Database, admin: Account) -> None:
    made = run(create_gateway, acting(admin), "moe-sovereign", NOW, with_token=False)
    assert made == NewGateway(made.id, "moe-sovereign", None)
    assert run(tokens_of, made.id) == []
    assert done(db) == [("root", "gateway.create")]


@pytest.mark.parametrize("with_token", [True, False])
def test_taken_gateway_name_is_a_conflict(admin: Account, gateway: Gateway, with_token: bool) -> None:
    with pytest.raises(Conflict, match="called moe-1 already"):
        run(create_gateway, acting(admin), gateway.name, NOW, with_token=with_token)
    assert len(run(all_gateways)) == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 65, "a\nb", "a\x00", "\ud800", "own-reports"])
def test_invalid_gateway_name_is_refused(admin: Account, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        run(create_gateway, acting(admin), name, NOW)
    assert refused.value.field == "name"
    assert run(all_gateways) == []


def test_second_token_works_beside_the_first(admin: Account, gateway: Gateway) -> None:
    fresh = run(create_gateway_token, acting(admin), gateway.id, NOW)
    assert opens(fresh)
    assert opens(gateway.token)
    run(revoke_gateway_tokens, acting(admin), gateway.id, NOW, prefix=key_prefix(gateway.token))
    assert opens(fresh)
    assert not opens(gateway.token)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda session, who, _: create_gateway(session, who, "x", NOW), id="create"),
        pytest.param(lambda session, who, _: import_gateway(session, who, "x", NOW), id="import"),
        pytest.param(lambda session, who, of: create_gateway_token(session, who, of.id, NOW), id="token"),
        pytest.param(lambda session, who, of: revoke_gateway_tokens(session, who, of.id, NOW), id="revoke"),
    ],
)
def test_only_active_administrators_change_gateways(
    alice: Account, admin: Account, gateway: Gateway, change: Callable[..., object]
) -> None:
    create_member("other", role="admin")  # the last one could not be suspended
    run(set_active, OPERATOR, admin.id, False, NOW)
    for account in (alice, admin):
        with pytest.raises(Forbidden):
            run(change, acting(account), gateway)
    assert opens(gateway.token)


def test_unknown_gateway_is_not_found(admin: Account) -> None:
    with pytest.raises(NotFound):
        run(revoke_gateway_tokens, acting(admin), 99, NOW, prefix="moe-gw-123456789")
    with pytest.raises(NotFound):
        run(create_gateway_token, acting(admin), 99, NOW)


def test_token_is_kept_as_a_digest(db: Database) -> None:
    token = run(create_gateway, OPERATOR, " moe-1 ", NOW).token or ""
    assert is_secret(token, GATEWAY_TOKEN)
    assert opens(token)
    assert [row.name for row in run(all_gateways)] == ["moe-1"]
    assert audit_log() == [
        (str(OPERATOR), "gateway.create", {"name": "moe-1", "mode": "native"}),
        (str(OPERATOR), "gateway.token", {"prefix": token[:16]}),
    ]


def test_tokens_are_rotated_one_after_the_other(db: Database) -> None:
    gateway = new_gateway("moe-1")
    first, other = gateway.token, new_gateway("moe-2").token
    second = run(create_gateway_token, OPERATOR, gateway.id, NOW)
    assert [opens(token) for token in (first, second, other)] == [True, True, True]
    assert run(revoke_gateway_tokens, OPERATOR, gateway.id, NOW, prefix=first[:16]) == 1
    assert [opens(token) for token in (first, second, other)] == [False, True, True]
    assert run(revoke_gateway_tokens, OPERATOR, gateway.id, NOW) == 1
    assert run(revoke_gateway_tokens, OPERATOR, gateway.id, NOW) == 0
    assert [opens(token) for token in (first, second, other)] == [False, False, True]
    assert audit_log()[-1] == (str(OPERATOR), "gateway.revoke", {"prefix": None, "revoked": 0})
    assert not any(token[16:] in json.dumps(audit_log()) for token in (first, second, other))


def test_import_creates_its_gateway_without_a_token_once(db: Database) -> None:
    made = run(import_gateway, OPERATOR, " litellm ", NOW, "moe_orchestrated")
    assert (made.name, made.mode, run(tokens_of, made.id)) == ("litellm", "moe_orchestrated", [])
    assert run(import_gateway, OPERATOR, "litellm", NOW).id == made.id
    assert [row.mode for row in run(all_gateways)] == ["moe_orchestrated"]
    assert audit_log() == [(str(OPERATOR), "gateway.create", {"name": "litellm", "mode": "moe_orchestrated"})]


def test_import_uses_an_existing_gateway(db: Database) -> None:
    gateway = new_gateway("moe-1")
    assert run(import_gateway, OPERATOR, "moe-1", NOW).name == "moe-1"
    assert opens(gateway.token)
    assert len(run(all_gateways)) == 1


@pytest.mark.parametrize(("name", "mode"), [("", "native"), ("two\nlines", "native"), ("moe-1", "")])
def test_invalid_gateway_of_imports_is_refused(db: Database, name: str, mode: str) -> None:
    with pytest.raises(InvalidInput):
        run(import_gateway, OPERATOR, name, NOW, mode)
    assert run(all_gateways) == []


def connect(account: Account, program: Program = Program.OLLAMA) -> NewGateway:
    made: NewGateway = run(connect_program, acting(account), program, NOW)
    return made


def test_program_gets_a_gateway_of_its_person(admin: Account) -> None:
    use_desktop()
    made = connect(admin)
    [row] = run(gateways_of, admin.id)
    assert (made.id, made.name, row.id, row.name, row.mode) == (row.id, "ollama", made.id, "ollama", "ollama")
    assert opens(made.token or "")
    assert [action for _, action, _ in audit_log()] == ["gateway.create", "gateway.token"]
    assert (made.token or "") not in str(audit_log())


def test_new_token_replaces_the_older_one(admin: Account) -> None:
    use_desktop()
    older, newer = connect(admin), connect(admin)
    assert (older.id, opens(older.token or ""), opens(newer.token or "")) == (newer.id, False, True)
    connect(admin, Program.CURL)
    assert opens(newer.token or "")
    assert [row.name for row in run(gateways_of, admin.id)] == ["ollama", "curl"]


def test_gateway_of_a_server_keeps_its_name(admin: Account) -> None:
    other = new_gateway("ollama", mode="ollama")
    use_desktop()
    assert connect(admin).name == "ollama-2"
    kept = run(gateway_named, "ollama")
    assert kept is not None
    assert (kept.id, kept.owner_id) == (other.id, None)


def test_people_have_programs_of_their_own(admin: Account, alice: Account) -> None:
    use_desktop()
    assert connect(admin).id != connect(alice).id
    assert [row.name for row in run(gateways_of, alice.id)] == ["ollama-2"]


def test_server_connects_no_program(admin: Account) -> None:
    with pytest.raises(NotFound):
        connect(admin)
    assert run(gateways_of, admin.id) == []


def test_suspended_person_connects_no_program(alice: Account) -> None:
    use_desktop()
    run(set_active, OPERATOR, alice.id, False, NOW)
    with pytest.raises(NotSignedIn):
        connect(alice)
