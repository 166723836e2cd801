"""`portal admin-token`."""

import json

import pytest

from portal.db.people.admin_tokens import admin_tokens
from portal.db.tables import Account
from portal.rules.people.secrets import ADMIN_TOKEN, is_secret
from tests.cast import run
from tests.cli.terminal import fail, misuse, portal, succeed


def test_new_token_is_alone_on_stdout(admin: Account) -> None:
    done = portal(
        "admin-token", "create", "root", "--label", "sync", "--scope", "accounts:write", "--scope", "teams:read"
    )
    secret = done.stdout.removesuffix("\n")
    assert is_secret(secret, ADMIN_TOKEN)
    assert secret not in done.stderr
    (record,) = json.loads(succeed("admin-token", "list", "--json"))
    assert (record["prefix"], record["scopes"]) == (secret[:16], ["accounts:write", "teams:read"])
    assert (record["username"], record["status"], record["expires_at"]) == ("root", "active", None)


def test_token_ends_on_a_day_or_is_revoked(admin: Account) -> None:
    succeed("admin-token", "create", "root", "--label", "sync", "--scope", "usage:read", "--expires", "2099-06-30")
    ((row, _),) = run(admin_tokens)
    assert f"{row.expires_at:%Y-%m-%d}" == "2099-07-01"
    assert row.prefix in succeed("admin-token", "revoke", row.prefix)
    assert json.loads(succeed("admin-token", "list", "--json"))[0]["status"] == "revoked"


@pytest.mark.parametrize("scope", ["accounts", "everything:write", ""])
def test_unknown_scope_is_refused(admin: Account, scope: str) -> None:
    assert "scope" in fail("admin-token", "create", "root", "--label", "x", "--scope", scope)
    assert run(admin_tokens) == []


def test_people_have_no_admin_tokens(alice: Account) -> None:
    assert "administrator" in fail("admin-token", "create", "alice", "--label", "x", "--scope", "usage:read")
    assert "--scope" in misuse("admin-token", "create", "alice", "--label", "x")
    assert "begins with that" in fail("admin-token", "revoke", "moe-ad-0")
