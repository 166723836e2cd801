"""Seeing the portal as another person."""

from datetime import timedelta

import pytest

from portal.actions.people.accounts import edit_account, set_active
from portal.actions.people.acting import act_as, needs_password, stop_acting
from portal.actions.people.deletion import delete_account
from portal.actions.people.sessions import Browser, SignIn, open_session_for, sign_out
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.errors import Conflict, Forbidden, InvalidInput, NotFound, NotSignedIn, OnlyLooking, TooManyTries
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor, Means
from portal.views.people.accounts import Viewer, load_viewer
from tests.cast import NOW, OPERATOR, PASSWORD, acting, audit_log, create_member, run

FIREFOX = Browser("Firefox", "192.0.2.1")
LATER = NOW + timedelta(minutes=6)
"""When the password of a sign-in at NOW is not fresh any more."""
HALF_AN_HOUR = timedelta(minutes=30)


def enter(account: Account) -> tuple[SignIn, int]:
    signed_in = run(open_session_for, account.id, FIREFOX, NOW)
    return signed_in, seen(signed_in).session_id or 0


def seen(signed_in: SignIn, now=NOW) -> Viewer:
    viewer = run(load_viewer, signed_in.token, now)
    assert viewer is not None
    return viewer


def test_an_administrator_sees_the_portal_as_a_person(alice: Account, admin: Account) -> None:
    signed_in, session_id = enter(admin)
    act_as(acting(admin), session_id, alice.id, "", NOW)
    viewer = seen(signed_in)
    assert (viewer.id, viewer.username, viewer.role, viewer.session_id) == (alice.id, "alice", "user", session_id)
    assert viewer.acting is not None
    assert (viewer.acting.admin_id, viewer.acting.admin_name) == (admin.id, "root")
    assert viewer.actor == Actor(Means.ACTING, "root", alice.id)
    assert run(stop_acting, signed_in.token, NOW) == alice.id
    assert seen(signed_in).username == "root"
    assert run(stop_acting, signed_in.token, NOW) is None
    begun, ended = audit_log()[-2:]
    assert (begun[:2], ended[:2]) == (("root", "acting.begin"), ("root", "acting.end"))


def test_it_ends_after_half_an_hour(alice: Account, admin: Account) -> None:
    signed_in, session_id = enter(admin)
    act_as(acting(admin), session_id, alice.id, "", NOW)
    assert seen(signed_in, NOW + HALF_AN_HOUR - timedelta(seconds=1)).id == alice.id
    assert seen(signed_in, NOW + HALF_AN_HOUR).id == admin.id


@pytest.mark.parametrize("end", ["suspended", "promoted", "deleted"])
def test_it_ends_when_the_person_is(end: str, alice: Account, admin: Account) -> None:
    signed_in, session_id = enter(admin)
    act_as(acting(admin), session_id, alice.id, "", NOW)
    if end == "suspended":
        run(set_active, OPERATOR, alice.id, False, NOW)
    elif end == "promoted":
        run(edit_account, OPERATOR, alice.id, NOW, role=Role.ADMIN)
    else:
        run(delete_account, OPERATOR, alice.id, NOW)
    assert seen(signed_in).id == admin.id


def test_it_ends_with_the_session_of_the_administrator(alice: Account, admin: Account) -> None:
    create_member("other", role="admin")
    for end in (
        lambda token: run(sign_out, token),
        lambda _: run(edit_account, OPERATOR, admin.id, NOW, role=Role.USER),
    ):
        signed_in, session_id = enter(admin)
        act_as(acting(admin), session_id, alice.id, "", NOW)
        end(signed_in.token)
        assert run(load_viewer, signed_in.token, NOW) is None


def test_the_password_is_asked_for_unless_it_is_fresh(alice: Account, admin: Account) -> None:
    signed_in, session_id = enter(admin)
    assert not run(needs_password, acting(admin), session_id, NOW + timedelta(minutes=5))
    assert run(needs_password, acting(admin), session_id, LATER)
    for wrong in ("", "not the password"):
        with pytest.raises(InvalidInput) as refused:
            act_as(acting(admin), session_id, alice.id, wrong, LATER)
        assert refused.value.field == "password"
    assert seen(signed_in, LATER).id == admin.id
    act_as(acting(admin), session_id, alice.id, PASSWORD, LATER)
    assert seen(signed_in, LATER).id == alice.id


def test_wrong_passwords_are_counted(alice: Account, admin: Account) -> None:
    _signed_in, session_id = enter(admin)
    for _ in range(5):
        with pytest.raises(InvalidInput):
            act_as(acting(admin), session_id, alice.id, "not the password", LATER)
    with pytest.raises(TooManyTries):
        act_as(acting(admin), session_id, alice.id, PASSWORD, LATER)


def test_nobody_acts_as_an_administrator(alice: Account, admin: Account) -> None:
    other = create_member("other", role="admin")
    gone = create_member("gone")
    run(set_active, OPERATOR, gone.id, False, NOW)
    _signed_in, session_id = enter(admin)
    for whom, why in ((other, "administrator"), (admin, "administrator"), (gone, "suspended")):
        with pytest.raises(Conflict, match=why):
            act_as(acting(admin), session_id, whom.id, PASSWORD, NOW)
    with pytest.raises(NotFound):
        act_as(acting(admin), session_id, 2**62, PASSWORD, NOW)


def test_only_an_administrator_with_a_session_acts(alice: Account, bob: Account, admin: Account, db: Database) -> None:
    _signed_in, session_id = enter(admin)
    _alices, alices_session = enter(alice)
    with pytest.raises(Forbidden):
        act_as(acting(alice), alices_session, bob.id, PASSWORD, NOW)
    for actor, of in ((OPERATOR, session_id), (acting(admin), alices_session), (acting(admin), None)):
        with pytest.raises(NotSignedIn):
            act_as(actor, of, bob.id, PASSWORD, NOW)
    with pytest.raises(OnlyLooking):
        act_as(Actor(Means.ACTING, "admin", alice.id), session_id, bob.id, PASSWORD, NOW)
