"""The profile: changes are stored, and complaints are shown beside their fields."""

from typing import Any

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.people.passwords import check_hash
from portal.db.people.accounts import account
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.pages.components.table import DataTable
from portal.views.people.accounts import load_viewer
from portal.web.visitors import cookie_name
from tests.cast import NOW, PASSWORD, PASSWORD_HASH
from tests.pages.screen import complaint_about, elements, everything, labelled_by, until

ANOTHER = "a saucer of warm milk"


PAGE = "/user/profile"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address")


def sessions(visitor: User) -> list[dict[str, Any]]:
    (found,) = (element for element in elements(visitor) if isinstance(element, DataTable))
    return found.rows


def form(visitor: User, test_id: str) -> list[Element]:
    (found,) = (element for element in elements(visitor) if element.props.get("data-testid") == test_id)
    return list(found.descendants())


def about(visitor: User) -> list[Element]:
    return form(visitor, "profile-form")


def password(visitor: User) -> list[Element]:
    return form(visitor, "password-form")


def field(inside: list[Element], name: str) -> Any:
    """Return the control of a form with a label that begins with `name`."""
    labels = (e for e in inside if isinstance(e, ui.label) and e.tag == "label" and e.text.startswith(name))
    (label,) = labels
    return labelled_by(inside, label)


def complaint(inside: list[Element], name: str) -> str:
    """Return the complaint about the value of a field; "" if there is none."""
    return complaint_about(inside, field(inside, name))


def message_of(inside: list[Element]) -> str:
    """Return the message of a form."""
    (place,) = (e for e in inside if e.props.get("role") == "status")
    (box,) = (child for child in place.descendants() if "mp-msg" in child.classes)
    return "".join(e.text for e in box.descendants() if isinstance(e, ui.label)) if box.visible else ""


def fill(visitor: User, inside: list[Element], **values: str) -> None:
    with visitor:
        for name, value in values.items():
            field(inside, name.replace("_", " ")).value = value


def submit(visitor: User, inside: list[Element]) -> None:
    """Send a form, as Enter does."""
    (found,) = (element for element in inside if element.tag == "form")
    UserInteraction(visitor, {found}, None).trigger("submit.prevent")


def stored(member: Account) -> Account:
    found = run_in_reading(account, member.id)
    assert found is not None
    return found


def password_is(member: Account, text: str) -> bool:
    return check_hash(text, stored(member).password_hash)[0]


def is_signed_in(visitor: User) -> bool:
    token = visitor.http_client.cookies[cookie_name()]
    return run_in_reading(load_viewer, token, NOW) is not None


async def test_it_shows_who_one_is_and_nobody_else(visit, alice: Account, bob: Account, create_user) -> None:
    await visit(bob, visitor=create_user())
    user = await visit(alice)
    shown = [field(about(user), name).value for name in ("Display name", "Email", "Time zone", "Language")]
    assert shown == ["Alice", "alice@example.org", "Europe/Berlin", "en"]
    assert "alice" in [e.text for e in about(user) if isinstance(e, ui.label)]
    assert len(sessions(user)) == 1
    assert "bob" not in everything(user).lower()
    assert PASSWORD_HASH not in everything(user)


async def test_the_profile_is_saved_and_the_page_is_written_by_it(visit, alice: Account, bob: Account) -> None:
    user = await visit(alice)
    before = user.client
    values = {"Display_name": " Alice <b>A.</b> ", "Email": "a@example.com"}
    fill(user, about(user), **values, Time_zone="America/New_York", Language="de")
    submit(user, about(user))
    await until(lambda: user.client is not before)
    own = stored(alice)
    assert (own.display_name, own.email) == ("Alice <b>A.</b>", "a@example.com")
    assert (own.time_zone, own.language) == ("America/New_York", "de")
    await until(lambda: message_of(about(user)))
    assert field(about(user), "Anzeigename").value == "Alice <b>A.</b>"
    assert "Gespeichert." in everything(user)
    assert "09:05" in sessions(user)[0]["since"]
    assert stored(bob).display_name == "Bob"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("Display name", " ", id="no name"),
        pytest.param("Display name", "x" * 500, id="a long name"),
        pytest.param("Display name", "Alice\nroot", id="a name of two lines"),
        pytest.param("Email", "", id="no address"),
        pytest.param("Email", "nobody", id="no host"),
        pytest.param("Email", "a b@example.org", id="a space"),
        pytest.param("Time zone", None, id="no zone"),
    ],
)
async def test_complaints_are_beside_their_fields(visit, alice: Account, name: str, value: Any) -> None:
    user = await visit(alice)
    fill(user, about(user), Language="de", **{name.replace(" ", "_"): value})
    submit(user, about(user))
    await until(lambda: complaint(about(user), name))
    others = {"Display name", "Email", "Time zone", "Language"} - {name}
    assert [complaint(about(user), other) for other in others] == ["", "", ""]
    own = stored(alice)
    assert (own.display_name, own.email, own.time_zone, own.language) == (
        alice.display_name,
        alice.email,
        alice.time_zone,
        "en",
    )


@pytest.mark.parametrize(
    ("browser_zone", "hint"),
    [
        pytest.param("Asia/Tokyo", "This browser is in Asia/Tokyo.", id="another zone"),
        pytest.param("Europe/Berlin", "The times of single requests are shown in it.", id="the account's own"),
        pytest.param("<b>Nowhere</b>", "The times of single requests are shown in it.", id="no zone at all"),
        pytest.param(None, "The times of single requests are shown in it.", id="nothing"),
    ],
)
async def test_the_browsers_zone_is_offered_where_it_is_another(
    visit, alice: Account, browser_zone: Any, hint: str
) -> None:
    user = await visit(alice)
    UserInteraction(user, {user.client.layout}, None).trigger("portalZone", browser_zone)
    below = field(about(user), "Time zone").props["aria-describedby"]
    assert [e.text for e in about(user) if isinstance(e, ui.label) and e.html_id == below] == [hint]


async def test_a_theme_applies_at_once_and_is_kept(visit, alice: Account) -> None:
    user = await visit(alice)
    fill(user, about(user), Theme="dark")
    await until(lambda: stored(alice).theme == "dark")
    checked = [e for e in elements(user) if e.props.get("aria-checked") == "true"]
    assert len(checked) == 1


async def test_a_new_password_signs_out_all_other_browsers(visit, alice: Account, create_user) -> None:
    other, user = await visit(alice, visitor=create_user()), await visit(alice)
    fill(user, password(user), Current_password=PASSWORD, New_password=ANOTHER, Repeat=ANOTHER)
    submit(user, password(user))
    await until(lambda: message_of(password(user)))
    assert password_is(alice, ANOTHER)
    assert (is_signed_in(user), is_signed_in(other)) == (True, False)
    assert other.client.is_deleted
    assert not user.client.is_deleted
    assert len(sessions(user)) == 1
    for text in (PASSWORD, ANOTHER):
        assert text not in everything(user)


@pytest.mark.parametrize(
    ("current", "new", "again", "name"),
    [
        pytest.param("not this one", ANOTHER, ANOTHER, "Current password", id="another current one"),
        pytest.param("", ANOTHER, ANOTHER, "Current password", id="no current one"),
        pytest.param(PASSWORD, ANOTHER, f"{ANOTHER} ", "Repeat", id="mistyped"),
        pytest.param(PASSWORD, "short", "short", "New password", id="too short"),
        pytest.param(PASSWORD, "x" * 5000, "x" * 5000, "New password", id="too long"),
        pytest.param(PASSWORD, "", "", "New password", id="nothing"),
    ],
)
async def test_a_password_that_cannot_be_is_refused_beside_the_field(
    visit, alice: Account, current: str, new: str, again: str, name: str
) -> None:
    user = await visit(alice)
    fill(user, password(user), Current_password=current, New_password=new, Repeat=again)
    submit(user, password(user))
    await until(lambda: complaint(password(user), name))
    others = {"Current password", "New password", "Repeat"} - {name}
    assert [complaint(password(user), other) for other in others] == ["", ""]
    assert message_of(password(user)) == ""
    assert stored(alice).password_hash == PASSWORD_HASH


async def test_other_sessions_are_ended_only_when_asked_twice(visit, alice: Account, bob: Account, create_user) -> None:
    other, bobs = await visit(alice, visitor=create_user()), await visit(bob, visitor=create_user())
    user = await visit(alice)
    assert sorted(row["is_this"] for row in sessions(user)) == [False, True]
    (opener,) = (e for e in user.find("Sign out other sessions").elements if "mp-btn--danger-fill" not in e.classes)
    UserInteraction(user, {opener}, None).click()
    (window,) = (e for e in elements(user) if isinstance(e, ui.dialog) and e.value)
    assert is_signed_in(other)
    (danger,) = (e for e in window.descendants() if "mp-btn--danger-fill" in e.classes)
    UserInteraction(user, {danger}, None).click()
    await until(lambda: not window.value)
    assert [is_signed_in(visitor) for visitor in (user, other, bobs)] == [True, False, True]
    assert [row["is_this"] for row in sessions(user)] == [True]
    assert other.client.is_deleted
