"""Who may use the JSON of administration: administrators with a session, and admin tokens with the scope."""

from datetime import timedelta

import pytest
import time_machine

from portal.actions.people.accounts import set_active
from portal.actions.people.admin_tokens import create_admin_token, revoke_admin_token
from portal.actions.people.keys import NewKey
from portal.db.people.admin_tokens import admin_tokens
from portal.db.tables import Account
from tests.api.conftest import As, Client
from tests.cast import NOW, OPERATOR, Gateway, create_member, run

ACCOUNTS = "/admin/api/accounts"


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def token(admin: Account) -> str:
    return run(create_admin_token, OPERATOR, admin.id, "Reports", ["accounts:read"], None, NOW).secret


def test_nobody_gets_an_answer_without_a_session_or_a_token(
    client: Client, alices_key: NewKey, gateway: Gateway
) -> None:
    assert client.get(ACCOUNTS).status_code == 401
    for secret in (alices_key.secret, gateway.token, "moe-ad-" + "0" * 48, "x", ""):
        refused = client.get(ACCOUNTS, headers=bearer(secret))
        assert (refused.status_code, refused.json()["error"]) == (401, "unknown_token")
        assert refused.headers["www-authenticate"] == "Bearer"


def test_only_administrators_may_use_it(alice: Account, admin: Account, as_: As) -> None:
    expert = create_member("expert", role="expert")
    assert as_(alice).get(ACCOUNTS).status_code == as_(expert).get(ACCOUNTS).status_code == 403
    assert as_(admin).get(ACCOUNTS).status_code == 200


def test_rights_are_checked_before_parameters(client: Client, alice: Account, as_: As) -> None:
    for query in ("?nonsense=1", "?limit=x", "?search=a&search=b"):
        assert client.get(ACCOUNTS + query).status_code == 401
        assert as_(alice).get(ACCOUNTS + query).status_code == 403


def test_a_token_needs_the_scope(client: Client, admin: Account, token: str) -> None:
    assert client.get(ACCOUNTS, headers=bearer(token)).json()["total"] == 1
    other = run(create_admin_token, OPERATOR, admin.id, "Other", ["teams:write"], None, NOW).secret
    refused = client.get(ACCOUNTS, headers=bearer(other))
    assert refused.status_code == 403
    assert "accounts:read" in refused.json()["detail"]


def test_a_token_ends(client: Client, admin: Account, token: str) -> None:
    create_member("other", role="admin")
    run(set_active, OPERATOR, admin.id, False, NOW)
    assert client.get(ACCOUNTS, headers=bearer(token)).status_code == 401
    run(set_active, OPERATOR, admin.id, True, NOW)
    run(revoke_admin_token, OPERATOR, 1, NOW)
    assert client.get(ACCOUNTS, headers=bearer(token)).status_code == 401


def test_a_token_counts_more_than_a_session(admin: Account, as_: As) -> None:
    assert as_(admin).get(ACCOUNTS, headers=bearer("moe-ad-wrong")).status_code == 401
    assert as_(admin).get(ACCOUNTS, headers={"Authorization": "Basic eDp5"}).status_code == 200


def test_use_of_a_token_is_noted_rarely(client: Client, token: str, clock: time_machine.Traveller) -> None:
    for seconds, noted in ((0, 0), (299, 0), (1, 300)):
        clock.shift(seconds)
        assert client.get(ACCOUNTS, headers=bearer(token)).status_code == 200
        assert run(admin_tokens)[0].token.last_used_at == NOW + timedelta(seconds=noted)


def test_unknown_addresses_are_answered_as_json(admin: Account, as_: As) -> None:
    assert as_(admin).get("/admin/api/nothing").json()["error"] == "not_found"
    assert as_(admin).delete(ACCOUNTS).status_code == 405
