"""API keys on their page: only their owner creates, renames and revokes them, and each secret is shown once."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.people.keys import NewKey, create_key
from portal.db.sql.session import run_in_glance, run_in_reading
from portal.db.tables import Account
from portal.errors import Unavailable
from portal.pages.account import key_dialogs
from portal.pages.components import live
from portal.pages.components.table import DataTable
from portal.rules.people.keys import KeyStatus, expires_after
from portal.rules.people.secrets import API_KEY, digest, is_secret
from portal.views.people.keys import KeyView, load_keys
from portal.views.spending.budget import load_key_budgets
from tests.cast import NOW, Gateway, acting, report, run, send
from tests.pages.screen import complaint_about, control, elements, everything, until

BERLIN = ZoneInfo("Europe/Berlin")


PAGE = "/user/keys"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address")


def table(visitor: User) -> DataTable:
    (found,) = (element for element in elements(visitor) if isinstance(element, DataTable))
    return found


def labels(visitor: User) -> list[str]:
    return [row["label"] for row in table(visitor).rows]


def dialog(visitor: User) -> Element | None:
    """Return the open dialog, if there is one."""
    found = [element for element in elements(visitor) if isinstance(element, ui.dialog) and element.value]
    assert len(found) < 2
    return found[0] if found else None


def inside(visitor: User) -> list[Element]:
    """Return the elements in the open dialog."""
    window = dialog(visitor)
    assert window is not None
    return list(window.descendants())


def field(visitor: User, name: str) -> Any:
    """Return the control of the open dialog with a name."""
    return control(inside(visitor), name)


def complaint(visitor: User, name: str) -> str:
    """Return the complaint about the value of a field; "" if there is none."""
    return complaint_about(inside(visitor), field(visitor, name))


def enter(visitor: User, name: str, value: str) -> None:
    with visitor:
        field(visitor, name).value = value


def submit(visitor: User) -> None:
    """Send the form in the open dialog, as Enter does."""
    (form,) = (element for element in inside(visitor) if element.tag == "form")
    UserInteraction(visitor, {form}, None).trigger("submit.prevent")


def press(visitor: User, *names: str) -> None:
    """Press the button of the open dialog with one of these classes."""
    (button,) = (e for e in inside(visitor) if isinstance(e, ui.button) and set(names) & set(e.classes))
    UserInteraction(visitor, {button}, None).click()


def in_row(visitor: User, event: str, key_id: object) -> None:
    """Press a button of a row: the browser sends the key's id."""
    visitor.find(kind=DataTable).trigger(event, key_id)


def new_key(visitor: User) -> str:
    (found,) = (element for element in elements(visitor) if element.props.get("data-testid") == "new-key")
    assert isinstance(found, ui.label)
    return str(found.text)


def stored(account: Account) -> list[KeyView]:
    return list(run_in_reading(load_keys, account.id, NOW).keys)


async def test_it_lists_ones_own_keys_and_nobody_elses(
    visit, alice: Account, bob: Account, charlie: Account, alices_key: NewKey, bobs_key: NewKey, create_user
) -> None:
    user = await visit(alice)
    (row,) = table(user).rows
    assert (row["prefix"], row["label"], row["status"]) == (alices_key.prefix, "Alice's laptop", "Active")
    assert alices_key.secret not in everything(user)
    for trace in ("Bob", bobs_key.prefix):
        assert trace not in everything(user)
    user = await visit(charlie, visitor=create_user())
    assert not table(user).visible
    assert labels(user) == []


async def test_secret_of_a_new_key_is_gone_after_its_dialog(visit, alice: Account) -> None:
    user = await visit(alice)
    user.find("Create key").click()
    enter(user, "Label", "  CI agents ")
    submit(user)
    await until(lambda: new_key(user))
    secret = new_key(user)
    assert is_secret(secret, API_KEY)
    assert run_in_glance(load_key_budgets, secret, NOW) is not None
    await until(lambda: labels(user) == ["CI agents"])
    assert everything(user).count(secret) == 2, "itself, and in what is to be copied"
    (done,) = (e for e in inside(user) if isinstance(e, ui.button) and "data-copies" not in e.props)
    UserInteraction(user, {done}, None).click()
    await until(lambda: dialog(user) is None)
    assert secret not in everything(user)
    await live.tick()
    assert secret not in everything(user)
    (key,) = stored(alice)
    assert (key.label, key.expires_at, key.prefix) == ("CI agents", None, secret[: len(key.prefix)])


async def test_a_refresh_does_not_take_the_new_key_away(visit, alice: Account) -> None:
    user = await visit(alice, "create=1")
    enter(user, "Label", "CI")
    submit(user)
    await until(lambda: new_key(user))
    secret = new_key(user)
    await live.tick()
    assert new_key(user) == secret
    assert dialog(user) is not None


@pytest.mark.parametrize("label", ["", "   ", "x" * 101, "two\nlines"])
async def test_a_bad_label_is_refused_beside_the_field(visit, alice: Account, label: str) -> None:
    user = await visit(alice, "create=1")
    enter(user, "Label", label)
    submit(user)
    await until(lambda: complaint(user, "Label"))
    assert "label" in complaint(user, "Label").lower()
    assert stored(alice) == []
    enter(user, "Label", "a good one")
    assert complaint(user, "Label") == ""
    submit(user)
    await until(lambda: labels(user) == ["a good one"])
    assert [key.label for key in stored(alice)] == ["a good one"]


async def test_the_last_day_of_a_key_is_one_of_its_owners_zone(visit, alice: Account) -> None:
    user = await visit(alice, "create=1")
    enter(user, "Label", "CI")
    enter(user, "Expires", "date")
    submit(user)
    await until(lambda: complaint(user, "Last day"))
    enter(user, "Last day", "2026-11-21")
    submit(user)
    await until(lambda: complaint(user, "Last day"))
    assert stored(alice) == []
    enter(user, "Last day", "2026-11-30")
    submit(user)
    await until(lambda: labels(user))
    (key,) = stored(alice)
    assert key.expires_at == datetime(2026, 12, 1, tzinfo=BERLIN).astimezone(UTC)


async def test_trouble_while_creating_is_shown_in_the_dialog(
    visit, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> None:
        raise Unavailable

    user = await visit(alice, "create=1")
    monkeypatch.setattr(key_dialogs, "in_transaction", fail)
    enter(user, "Label", "CI")
    submit(user)
    await user.should_see(Unavailable().detail)
    assert field(user, "Label").value == "CI"
    assert new_key(user) == ""


async def test_second_click_creates_no_second_key(visit, alice: Account) -> None:
    user = await visit(alice, "create=1")
    enter(user, "Label", "CI")
    submit(user)
    submit(user)
    await until(lambda: new_key(user))
    assert [key.label for key in stored(alice)] == ["CI"]


@pytest.mark.parametrize(
    ("copied", "sentence"),
    [
        pytest.param(True, "Copied.", id="the browser did it"),
        pytest.param(False, "The text is selected: press Ctrl+C", id="it does not let pages"),
    ],
)
async def test_result_of_copying_a_key_is_shown(visit, alice: Account, copied: bool, sentence: str) -> None:
    user = await visit(alice, "create=1")
    enter(user, "Label", "CI")
    submit(user)
    await until(lambda: new_key(user))
    UserInteraction(user, {user.client.layout}, None).trigger("portalCopied", copied)
    await user.should_see(sentence)
    window = dialog(user)
    assert window is not None
    assert window.props["persistent"] is True, "neither Escape nor a click beside it closes this one"


@pytest.mark.parametrize(
    ("ends", "word", "text", "is_soon"),
    [
        pytest.param(None, "Active", "", False, id="for ever"),
        pytest.param(expires_after(date(2027, 9, 18), BERLIN), "Active", "Until 18 Sept 2027", False, id="next year"),
        pytest.param(NOW + timedelta(12), "Active", "Expires in 12 days", True, id="soon"),
        pytest.param(NOW + timedelta(hours=2.4), "Active", "Expires in 2 h 24 min", True, id="today"),
        pytest.param(expires_after(date(2026, 11, 19), BERLIN), "Expired", "19 Nov 2026", False, id="no longer"),
    ],
)
async def test_a_row_says_whether_and_until_when_its_key_works(
    visit, alice: Account, ends: datetime | None, word: str, text: str, is_soon: bool
) -> None:
    run(create_key, acting(alice), alice.id, "CI", ends, NOW - timedelta(30))
    user = await visit(alice)
    (row,) = table(user).rows
    assert (row["status"], row["ends"], row["soon"], row["off"]) == (word, text, is_soon, word == "Expired")
    assert row["last_used"] == "Never"


async def test_a_key_is_renamed(visit, alice: Account, alices_key: NewKey) -> None:
    user = await visit(alice)
    in_row(user, "rename", alices_key.id)
    assert field(user, "Label").value == "Alice's laptop"
    enter(user, "Label", "<b>desk</b>")
    submit(user)
    await until(lambda: labels(user) == ["<b>desk</b>"])
    await until(lambda: dialog(user) is None)
    assert [key.label for key in stored(alice)] == ["<b>desk</b>"]


async def test_a_bad_new_label_is_refused_beside_the_field(visit, alice: Account, alices_key: NewKey) -> None:
    user = await visit(alice)
    in_row(user, "rename", alices_key.id)
    enter(user, "Label", " ")
    submit(user)
    await until(lambda: complaint(user, "Label"))
    assert labels(user) == ["Alice's laptop"]
    assert [key.label for key in stored(alice)] == ["Alice's laptop"]


async def test_a_key_is_revoked_only_when_asked_twice(visit, alice: Account, alices_key: NewKey) -> None:
    user = await visit(alice)
    in_row(user, "revoke", alices_key.id)
    assert any("Alice's laptop" in getattr(element, "text", "") for element in inside(user))
    assert stored(alice)[0].status is KeyStatus.ACTIVE
    (safe,) = (e for e in inside(user) if isinstance(e, ui.button) and "mp-btn--danger-fill" not in e.classes)
    UserInteraction(user, {safe}, None).click()
    await until(lambda: dialog(user) is None)
    assert stored(alice)[0].status is KeyStatus.ACTIVE
    in_row(user, "revoke", alices_key.id)
    press(user, "mp-btn--danger-fill")
    await until(lambda: dialog(user) is None)
    assert stored(alice)[0].status is KeyStatus.REVOKED
    (row,) = table(user).rows
    assert (row["status"], row["off"]) == ("Revoked", True)
    assert run_in_glance(load_key_budgets, alices_key.secret, NOW) is None


@pytest.mark.parametrize("event", ["rename", "revoke"])
async def test_nothing_happens_to_keys_that_are_not_ones_own(
    visit, alice: Account, alices_key: NewKey, bobs_key: NewKey, event: str
) -> None:
    user = await visit(alice)
    sent: tuple[object, ...] = (bobs_key.id, -1, None, "1", [], {"id": bobs_key.id})
    for key_id in sent:
        in_row(user, event, key_id)
        assert dialog(user) is None


async def test_another_tab_shows_what_was_done(visit, alice: Account, alices_key: NewKey, create_user) -> None:
    user, other = await visit(alice), await visit(alice, visitor=create_user())
    in_row(user, "rename", alices_key.id)
    enter(user, "Label", "desk")
    submit(user)
    await until(lambda: labels(other) == ["desk"])


async def test_budget_of_a_key_is_set_in_its_dialog(
    visit, alice: Account, alices_key: NewKey, gateway: Gateway
) -> None:
    send(gateway, report(key_hash=digest(alices_key.secret)))
    user = await visit(alice)
    assert table(user).rows[0]["no_budget"] == "No limit"
    in_row(user, "limit", alices_key.id)
    await until(lambda: dialog(user))
    enter(user, "Daily budget", "a lot")
    submit(user)
    await until(lambda: complaint(user, "Daily budget"))
    assert stored(alice)[0].budget is None
    enter(user, "Daily budget", "150")
    enter(user, "Total budget", "1,000")
    submit(user)
    await until(lambda: table(user).rows[0]["percent"])
    row = table(user).rows[0]
    assert (row["percent"], row["level_word"], row["budget_title"]) == (
        "80.0\u00a0%",
        "Warning",
        "Daily budget: 120 of 150",
    )
    in_row(user, "limit", alices_key.id)
    await until(lambda: dialog(user))
    assert (field(user, "Total budget").value, "120 used today" in everything(user)) == ("1,000", True)
