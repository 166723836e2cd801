"""Creating and revoking admin tokens, and when they work."""

from datetime import datetime, timedelta

import pytest

from portal.actions.people.accounts import edit_account, set_active
from portal.actions.people.admin_tokens import (
    NewAdminToken,
    create_admin_token,
    note_admin_token_use,
    revoke_admin_token,
)
from portal.actions.people.deletion import delete_account
from portal.db.people.admin_tokens import admin_tokens
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor, Means
from portal.rules.people.secrets import ADMIN_TOKEN, digest, is_secret
from portal.views.people.admin_tokens import load_working_token
from tests.cast import NOW, OPERATOR, acting, audit_log, create_member, run

HOUR = timedelta(hours=1)


def make(actor: Actor, account: Account, *scopes: str, expires_at: datetime | None = None) -> NewAdminToken:
    return run(create_admin_token, actor, account.id, " Reports ", scopes or ("accounts:read",), expires_at, NOW)


def works(token: NewAdminToken, now: datetime = NOW) -> bool:
    return run(load_working_token, token.secret, now) is not None


def test_a_token_is_shown_once_and_kept_as_a_digest(admin: Account) -> None:
    new = make(acting(admin), admin, "teams:read", "accounts:write")
    assert is_secret(new.secret, ADMIN_TOKEN)
    assert (new.prefix, new.label, new.scopes) == (new.secret[:16], "Reports", ("accounts:write", "teams:read"))
    assert new.secret not in repr(new)
    ((row, username),) = run(admin_tokens)
    assert (row.token_hash, row.scopes, username) == (digest(new.secret), "accounts:write teams:read", "root")
    found = run(load_working_token, new.secret, NOW)
    assert found is not None
    assert found.actor("10.0.0.1") == Actor(Means.ADMIN_TOKEN, "Reports", admin.id, "10.0.0.1")
    assert new.secret[16:] not in str(audit_log())


def test_an_operator_makes_a_token_for_an_administrator(admin: Account) -> None:
    assert works(make(OPERATOR, admin))


def test_only_administrators_have_tokens(admin: Account, alice: Account) -> None:
    with pytest.raises(Conflict):
        make(OPERATOR, alice)
    with pytest.raises(Forbidden):
        make(acting(alice), alice)
    with pytest.raises(Forbidden):
        make(acting(admin), create_member("other", role="admin"))


def test_a_token_makes_and_revokes_no_tokens(admin: Account) -> None:
    new = make(acting(admin), admin)
    program = Actor(Means.ADMIN_TOKEN, "Reports", admin.id)
    with pytest.raises(Forbidden):
        make(program, admin)
    with pytest.raises(Forbidden):
        run(revoke_admin_token, program, new.id, NOW)


def test_a_token_works_until_it_ends(admin: Account) -> None:
    new = make(acting(admin), admin, expires_at=NOW + HOUR)
    assert works(new, NOW + HOUR - timedelta(microseconds=1))
    assert not works(new, NOW + HOUR)
    with pytest.raises(InvalidInput):
        make(acting(admin), admin, expires_at=NOW)


def test_a_revoked_token_does_not_work(admin: Account, alice: Account) -> None:
    new = make(acting(admin), admin)
    with pytest.raises(Forbidden):
        run(revoke_admin_token, acting(alice), new.id, NOW)
    run(revoke_admin_token, acting(admin), new.id, NOW)
    run(revoke_admin_token, acting(admin), new.id, NOW + HOUR)
    assert not works(new)
    assert [action for _, action, _ in audit_log()].count("admin_token.revoke") == 1
    with pytest.raises(NotFound):
        run(revoke_admin_token, acting(admin), 99, NOW)


def test_a_token_ends_with_the_rights_of_its_creator(admin: Account) -> None:
    other = create_member("other", role="admin")
    new = make(acting(other), other)
    run(edit_account, OPERATOR, other.id, NOW, role=Role.USER)
    assert not works(new)
    run(edit_account, OPERATOR, other.id, NOW, role=Role.ADMIN)
    assert works(new)
    run(set_active, OPERATOR, other.id, False, NOW)
    assert not works(new)
    run(delete_account, OPERATOR, other.id, NOW)
    assert run(admin_tokens) == []


def test_use_is_noted_every_five_minutes(admin: Account) -> None:
    new = make(acting(admin), admin)
    for minutes, noted in ((0, 0), (4, 0), (5, 5)):
        run(note_admin_token_use, new.id, NOW + timedelta(minutes=minutes))
        assert run(admin_tokens)[0].token.last_used_at == NOW + timedelta(minutes=noted)
