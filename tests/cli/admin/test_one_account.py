"""`portal user show`, `sign-out`, `unlock` and `password-link`."""

import json
import re

from portal.actions.people.sessions import Browser, open_session_for
from portal.clock import utc_now
from portal.db.tables import Account
from tests.cast import run
from tests.cli.terminal import audit, fail, succeed


def signed_in(account: Account) -> None:
    run(open_session_for, account.id, Browser("Firefox", "192.0.2.1"), utc_now())


def test_an_account_is_shown_with_its_sessions(alice: Account) -> None:
    signed_in(alice)
    found = json.loads(succeed("user", "show", "alice", "--json"))
    assert (found["username"], found["role"], found["status"], found["locked_until"]) == (
        *("alice", "user", "active"),
        None,
    )
    assert [(each["user_agent"], each["address"]) for each in found["sessions"]] == [("Firefox", "192.0.2.1")]
    assert "192.0.2.1" in succeed("user", "show", "alice")


def test_sessions_end_one_by_one_or_all(alice: Account) -> None:
    for _ in range(3):
        signed_in(alice)
    first = json.loads(succeed("user", "show", "alice", "--json"))["sessions"][0]["id"]
    assert succeed("user", "sign-out", "alice", "--session", str(first)) == "Ended a session of alice.\n"
    assert "ended already" in fail("user", "sign-out", "alice", "--session", str(first))
    assert succeed("user", "sign-out", "alice") == "Ended 2 sessions of alice.\n"
    assert [entry[0] for entry in audit()][-2:] == ["session.end", "session.end_all"]


def test_a_person_may_try_again_and_get_a_link(alice: Account) -> None:
    assert succeed("user", "unlock", "alice") == "alice may sign in again.\n"
    assert re.fullmatch(r"\S*/user/reset-password\?token=\S+\n", succeed("user", "password-link", "alice"))
    assert "PORTAL_BASE_URL" in fail("user", "password-link", "alice", "--mail")
    assert [entry[0] for entry in audit()][-2:] == ["account.unlock", "account.password_link"]
