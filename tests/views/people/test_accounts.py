"""Who is signed in, and where."""

from datetime import timedelta

import pytest

from portal.actions.people.accounts import set_active
from portal.actions.people.sessions import Browser, SignIn, open_session_for, sign_out
from portal.actions.people.teams import add_manager
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.settings import settings
from portal.views.people.accounts import (
    SeenSession,
    load_profile,
    load_viewer,
    still_running,
)
from tests.cast import NOW, OPERATOR, create_member, new_team, run, viewer_of

FIREFOX, CHROME = Browser("Firefox", "192.0.2.1"), Browser("Chrome", "192.0.2.2")
HOUR = timedelta(hours=1)


def enter(account: Account, browser: Browser = FIREFOX) -> SignIn:
    return run(open_session_for, account.id, browser, NOW)


def test_a_cookie_tells_who_looks(alice: Account, bob: Account) -> None:
    mine, bobs = enter(alice), enter(bob)
    viewer = run(load_viewer, mine.token, NOW)
    assert viewer is not None
    assert (viewer.id, viewer.username, viewer.display_name, viewer.email) == (
        alice.id,
        "alice",
        "Alice",
        "alice@example.org",
    )
    assert (viewer.role, viewer.time_zone, viewer.language, viewer.theme) == ("user", "Europe/Berlin", "en", "system")
    assert viewer.seen_at == NOW
    other = run(load_viewer, bobs.token, NOW)
    assert other is not None
    assert other.id == bob.id
    assert other.session_id != viewer.session_id


@pytest.mark.parametrize("token", ["", "never given", "x" * 10_000, "\ud800", "\x00"])
def test_other_text_is_nobody(alice: Account, token: str) -> None:
    enter(alice)
    assert run(load_viewer, token, NOW) is None


def test_viewer_knows_whether_the_account_manages_a_team(alice: Account, bob: Account) -> None:
    tokens = enter(alice).token, enter(bob).token

    def managers() -> list[bool]:
        return [viewer.manages for token in tokens if (viewer := run(load_viewer, token, NOW))]

    team_id = new_team("Research", bob)
    assert managers() == [False, False], "a member is no manager"
    run(add_manager, OPERATOR, team_id, alice.id, NOW)
    assert managers() == [True, False]


def test_an_ended_session_is_nobodys(alice: Account, bob: Account) -> None:
    out, over, suspended = enter(alice), enter(alice), enter(bob)
    run(sign_out, out.token)
    run(set_active, OPERATOR, bob.id, False, NOW)
    assert run(load_viewer, out.token, NOW) is None
    assert run(load_viewer, suspended.token, NOW) is None
    end = NOW + timedelta(hours=settings().session_hours)
    assert run(load_viewer, over.token, end - timedelta(microseconds=1)) is not None
    assert run(load_viewer, over.token, end) is None


def test_a_profile_lists_ones_own_sessions_and_marks_this_one(alice: Account, bob: Account) -> None:
    enter(bob)
    here, _there = enter(alice), enter(alice, CHROME)
    viewer = run(load_viewer, here.token, NOW)
    assert viewer is not None
    profile = run(load_profile, viewer, NOW)
    assert profile.viewer == viewer
    assert [(each.user_agent, each.address, each.is_this) for each in profile.sessions] == [
        ("Chrome", "192.0.2.2", False),
        ("Firefox", "192.0.2.1", True),
    ]


def test_which_sessions_run(alice: Account, bob: Account) -> None:
    mine, bobs = (run(load_viewer, enter(who).token, NOW) for who in (alice, bob))
    assert mine is not None
    assert bobs is not None
    run(set_active, OPERATOR, bob.id, False, NOW)
    seen = [SeenSession(viewer.session_id or 0, None) for viewer in (mine, bobs)]
    assert seen == [mine.seen_session, bobs.seen_session]
    assert run(still_running, {*seen, SeenSession(2**62, None)}, NOW) == {seen[0]}


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("Alice", "AL"),
        ("Alice Liddell", "AL"),
        ("alice von liddell", "AL"),
        ("A", "A"),
        ("ß", "SS"),
        ("李 小龙", "李小"),
    ],
)
def test_initials(db: Database, name: str, initials: str) -> None:
    dora = create_member("dora")
    dora.display_name = name
    assert viewer_of(dora).initials == initials


def test_instants_are_shown_in_ones_own_zone_or_else_the_portals(db: Database, settings_env) -> None:
    settings_env(budget_timezone="Asia/Tokyo")
    assert viewer_of(create_member("dora", time_zone=None)).zone.key == "Asia/Tokyo"
    assert viewer_of(create_member("emil", time_zone="Europe/Berlin")).zone.key == "Europe/Berlin"
