import pytest
from sqlalchemy.orm import Session

from portal.actions.accounts import set_active
from portal.actions.gateways import NewGateway, connect_gateway, end_gateway_token, new_gateway_token
from portal.db.gateways import gateway_with_token, tokens_of
from portal.db.session import Database
from portal.db.tables import Account, AuditEntry
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.secrets import digest, key_prefix
from tests.cast import NOW, Gateway, run


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
