"""Each page has its viewer's language, also in changes by its handlers and timers, beside pages in another one."""

import asyncio
from collections.abc import Callable

import pytest
from nicegui import APIRouter, app, ui
from nicegui.testing import User

from portal.db.tables import Account
from portal.pages.languages import speak_to
from portal.web.visitors import SignedIn, cookie_name
from portal.words import _
from tests.cast import run
from tests.pages.screen import until

GERMAN, ENGLISH = "Das Passwort", "The password"

router = APIRouter()


@router.page("/signed-in")
async def signed_in_page(viewer: SignedIn) -> None:
    draw()


@router.page("/open")
async def open_page() -> None:
    draw()


def draw() -> None:
    """Write a sentence now, after a click, by a timer and after a wait."""
    speak_to(ui.context.client)
    ui.label(_("The password")).mark("now")
    clicked, timed, late = ui.label().mark("clicked"), ui.label().mark("timed"), ui.label().mark("late")

    async def click() -> None:
        clicked.text = _("The password")
        await asyncio.sleep(0)
        late.text = _("The password")

    ui.button("Go", on_click=click)
    ui.timer(0.01, lambda: timed.set_text(_("The password")))


def shown(visitor: User) -> dict[str, str]:
    """Return the text of each mark."""
    return {
        mark: next(iter(visitor.find(marker=mark).elements)).text  # type: ignore[attr-defined]
        for mark in ("now", "clicked", "timed", "late")
    }


@pytest.fixture(autouse=True)
def pages(user: User) -> None:
    app.include_router(router)


async def test_two_visitors_side_by_side_do_not_mix(
    user: User, create_user: Callable[[], User], sign_in_as: Callable[[Account], str], alice: Account, bob: Account
) -> None:
    run(lambda session: setattr(session.get(Account, bob.id), "language", "de"))
    bobs = create_user()
    for visitor, account in ((user, alice), (bobs, bob)):
        visitor.http_client.cookies.set(cookie_name(), sign_in_as(account))
        await visitor.open("/signed-in")
    for visitor in (user, bobs, user):
        visitor.find("Go").click()
    await until(lambda: all(shown(user).values()) and all(shown(bobs).values()))
    assert set(shown(user).values()) == {ENGLISH}
    assert set(shown(bobs).values()) == {GERMAN}


@pytest.mark.parametrize(
    ("accepted", "sentence", "lang"),
    [
        pytest.param("de-AT,de;q=0.9,en;q=0.8", GERMAN, "de", id="German"),
        pytest.param("fr", ENGLISH, "en-GB", id="a language that is not spoken here"),
    ],
)
async def test_page_without_session_follows_the_browser(user: User, accepted: str, sentence: str, lang: str) -> None:
    app.config.language = "en-GB"
    user.http_client.headers["Accept-Language"] = accepted
    await user.open("/open")
    await user.should_see(sentence)
    assert user.client is not None
    assert user.client.page.resolve_language() == lang
