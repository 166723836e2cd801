"""`portal key`."""

import json
from datetime import UTC, datetime

import pytest

from portal.actions.people.keys import NewKey
from portal.clock import utc_now
from portal.db.people.keys import keys
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.people.secrets import API_KEY, digest, is_secret
from tests.cast import opens
from tests.cli.terminal import fail, misuse, portal, rows, succeed


def test_new_key_is_alone_on_stdout_and_works(alice: Account) -> None:
    done = portal("key", "create", "alice", "--label", "laptop")
    secret = done.stdout.removesuffix("\n")
    assert is_secret(secret, API_KEY)
    assert secret not in done.stderr
    assert [key.key_hash for key in run_in_reading(keys, alice.id)] == [digest(secret)]
    assert opens(secret, utc_now())


def test_a_key_works_through_its_last_day_in_its_owners_zone(alice: Account) -> None:
    succeed("key", "create", "alice", "--label", "laptop", "--expires", "2099-06-30")
    [key] = run_in_reading(keys, alice.id)
    assert key.expires_at == datetime(2099, 6, 30, 22, tzinfo=UTC)  # midnight in Berlin


def test_a_key_may_end_at_an_instant(alice: Account) -> None:
    succeed("key", "create", "alice", "--label", "laptop", "--expires", "2099-06-30T12:00+02:00")
    [key] = run_in_reading(keys, alice.id)
    assert key.expires_at == datetime(2099, 6, 30, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["tomorrow", "2099-02-30", "2099-06-30T12:00", "30.6.2099", "9999-12-31", "", "٢"])
def test_a_malformed_end_is_wrong_usage(alice: Account, text: str) -> None:
    assert "--expires" in misuse("key", "create", "alice", "--label", "laptop", "--expires", text)
    assert run_in_reading(keys, alice.id) == []


def test_a_key_cannot_end_in_the_past_or_belong_to_the_suspended(alice: Account) -> None:
    assert "future" in fail("key", "create", "alice", "--label", "laptop", "--expires", "2020-01-01")
    succeed("user", "suspend", "alice")
    assert "Activate it first" in fail("key", "create", "alice", "--label", "laptop")
    assert run_in_reading(keys, alice.id) == []


def test_keys_are_listed_without_their_secrets(alice: Account, alices_key: NewKey, bobs_key: NewKey) -> None:
    listed = succeed("key", "list", "alice")
    assert [row[:3] for row in rows(listed)] == [[alices_key.prefix, "Alice's laptop", "active"]]
    assert alices_key.secret not in listed
    assert bobs_key.prefix not in listed


def test_a_key_is_revoked_by_how_it_begins(alice: Account, alices_key: NewKey) -> None:
    succeed("key", "revoke", "alice", alices_key.prefix[:12])
    assert [row[2] for row in rows(succeed("key", "list", "alice"))] == ["revoked"]
    assert not opens(alices_key.secret, utc_now())


def test_nobody_elses_key_and_no_ambiguous_one_is_revoked(alice: Account, alices_key: NewKey, bobs_key: NewKey) -> None:
    succeed("key", "create", "alice", "--label", "second")
    assert "Several keys" in fail("key", "revoke", "alice", "moe-sk-")
    assert "No key of alice" in fail("key", "revoke", "alice", bobs_key.prefix)
    assert "No key of alice" in fail("key", "revoke", "alice", "")
    assert [row[2] for row in rows(succeed("key", "list", "alice"))] == ["active", "active"]


def test_a_suspended_accounts_key_is_revoked_too(alice: Account, alices_key: NewKey) -> None:
    succeed("user", "suspend", "alice")
    succeed("key", "revoke", "alice", alices_key.prefix)
    assert [row[2] for row in rows(succeed("key", "list", "alice"))] == ["revoked"]


def test_budget_of_a_key_is_set_and_listed(alice: Account, alices_key: NewKey) -> None:
    printed = succeed("key", "budget", "alice", alices_key.prefix[:12], "--daily", "1_000", "--total", "0")
    assert (
        printed
        == f'Budget of the key "Alice\'s laptop" ({alices_key.prefix}) of alice: daily 1,000, monthly none, total 0.\n'
    )
    assert "daily none, monthly none, total 0" in succeed(
        "key", "budget", "alice", alices_key.prefix, "--daily", "none"
    )
    [row] = rows(succeed("key", "list", "alice"))
    assert row[-1] == "Used up, 100.0 %"
    [key] = json.loads(succeed("key", "list", "alice", "--json"))
    assert (key["level"], key["budget"]["total"]["limit"], key["budget"]["daily"]["limit"]) == (
        "Used up, 100.0 %",
        0,
        None,
    )


def test_budget_of_a_key_has_bounds(alice: Account, alices_key: NewKey) -> None:
    assert "from 0 to" in fail("key", "budget", "alice", alices_key.prefix, "--daily", str(10**16))
