"""The page Connect of the desktop program: each program is connected with a click, and its light turns green."""

from collections.abc import Awaitable, Callable

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from starlette.testclient import TestClient

from portal.actions.metering.gateways import NewGateway, connect_program
from portal.actions.metering.reports import store_reports
from portal.db.metering.gateways import gateway_with_token, gateways_of
from portal.db.tables import Account
from portal.pages.components import live
from portal.rules.metering.programs import Program
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Entry, Rejected
from portal.rules.people.secrets import GATEWAY_TOKEN, digest, is_secret
from portal.settings import settings
from tests.cast import NOW, acting, report, run
from tests.desktops import create_local, use_desktop
from tests.pages.screen import elements, everything, tagged, texts, until
from tests.portals import running_portal

PAGE = "/user/connect"
Visit = Callable[..., Awaitable[User]]
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address")


@pytest.fixture
def local(db: object) -> Account:
    """The person of the desktop program."""
    use_desktop()
    return create_local()


@pytest.fixture
def visit(local: Account, visit: Visit) -> Visit:
    """Visit after the desktop program has started."""
    return visit


def connect(local: Account, program: Program = Program.OLLAMA) -> NewGateway:
    made: NewGateway = run(connect_program, acting(local), program, NOW)
    return made


def arrives(local: Account, *entries: Entry, program: Program = Program.OLLAMA) -> None:
    [row] = [row for row in run(gateways_of, local.id) if row.mode == program]
    run(store_reports, Reporter(row.id, row.mode, owner_id=local.id), entries, settings().budget_zone, NOW)


def card(visitor: User, program: Program = Program.OLLAMA) -> Element:
    return tagged(visitor, f"connect-{program}")


def state(visitor: User, program: Program = Program.OLLAMA) -> tuple[object, list[str]]:
    shown = tagged(visitor, f"connect-state-{program}")
    return shown.props["data-state"], texts(shown)


def click(visitor: User, text: str, within: Element | None = None) -> None:
    inside = within.descendants() if within else elements(visitor)
    (found,) = (each for each in inside if isinstance(each, ui.button) and each.text == text and each.visible)
    UserInteraction(visitor, {found}, None).click()


def shown(visitor: User, test_id: str) -> str:
    found = tagged(visitor, test_id)
    assert isinstance(found, ui.label)
    return str(found.text)


async def test_click_connects_a_program(local: Account, visit: Visit) -> None:
    visitor = await visit(local)
    assert state(visitor) == ("off", ["Not connected"])
    click(visitor, "Connect", card(visitor))
    await until(lambda: state(visitor) == ("waiting", ["Nothing yet"]))
    token = shown(visitor, "connect-token")
    assert is_secret(token, GATEWAY_TOKEN)
    assert run(gateway_with_token, digest(token)) is not None
    assert shown(visitor, "connect-address").startswith("http://")
    codes = [each.text for each in card(visitor).descendants() if isinstance(each, ui.label) and each.tag == "pre"]
    assert any(token in code and shown(visitor, "connect-address") in code for code in codes)
    assert state(visitor, Program.CURL) == ("off", ["Not connected"])


async def test_one_program_is_open_and_another_hides_its_token(local: Account, visit: Visit) -> None:
    visitor = await visit(local)
    click(visitor, "Connect", card(visitor))
    await until(lambda: state(visitor)[0] == "waiting")
    token = shown(visitor, "connect-token")
    click(visitor, "Connect", card(visitor, Program.CURL))
    await until(lambda: state(visitor, Program.CURL)[0] == "waiting")
    assert shown(visitor, "connect-token") != token
    assert token not in everything(visitor)
    click(visitor, "Show steps", card(visitor))
    await until(lambda: shown(visitor, "connect-token") == token)


async def test_light_turns_green_while_the_page_is_open(local: Account, visit: Visit) -> None:
    connect(local)
    visitor = await visit(local)
    assert state(visitor) == ("waiting", ["Nothing yet"])
    arrives(local, report(username=None, mode="ollama"))
    await live.tick()
    await until(lambda: state(visitor)[0] == "connected")
    assert state(visitor)[1] == ["First usage", "at 15:05", "1 request today"]
    (link,) = (e for e in card(visitor).descendants() if e.tag == "a" and "href" in e.props)
    assert link.props["href"] == "/user/usage?mode=ollama&budget_from=2026-11-22&budget_to=2026-11-22"


async def test_rejected_event_is_shown_with_its_reason(local: Account, visit: Visit) -> None:
    connect(local)
    arrives(local, Rejected("r-1", "There is no model."))
    visitor = await visit(local)
    assert state(visitor)[0] == "rejected"
    assert state(visitor)[1][0] == "Rejected: There is no model."


async def test_token_is_shown_once_and_replaced(local: Account, visit: Visit) -> None:
    older = connect(local)
    visitor = await visit(local)
    click(visitor, "Show steps", card(visitor))
    await until(lambda: "was shown once" in " ".join(texts(card(visitor))))
    assert (older.token or "") not in everything(visitor)
    click(visitor, "New token", card(visitor))
    await until(lambda: "New token for Ollama?" in everything(visitor))
    dialog = next(e for e in elements(visitor) if isinstance(e, ui.dialog) and e.value)
    click(visitor, "New token", dialog)
    await until(lambda: "connect-token" in everything(visitor))
    assert is_secret(shown(visitor, "connect-token"), GATEWAY_TOKEN)
    assert run(gateway_with_token, digest(older.token or "")) is None


@pytest.mark.parametrize(
    ("language", "sentence"),
    [
        ("en", "Another program has the port 20111, which your programs report to."),
        ("de", "Ein anderes Programm hat den Port 20111, an den Ihre Programme melden."),
    ],
)
async def test_taken_port_is_named(local: Account, visit: Visit, language: str, sentence: str) -> None:
    use_desktop(kept_port=20_111)
    run(lambda session: setattr(session.get(Account, local.id), "language", language))
    notice = tagged(await visit(local), "connect-port")
    (text,) = texts(notice)
    assert text.startswith(sentence)
    assert "http://" in text


async def test_free_port_is_not_named(local: Account, visit: Visit) -> None:
    use_desktop(kept_port=settings().port)
    assert "connect-port" not in everything(await visit(local))


def test_server_has_no_page_to_connect_programs(admin: Account, sign_in_as: Callable[[Account], str]) -> None:
    from portal.web.visitors import cookie_name

    with running_portal() as browser:
        browser.cookies.set(cookie_name(), sign_in_as(admin))
        assert_unknown(browser)


def assert_unknown(browser: TestClient) -> None:
    assert browser.get(PAGE).status_code == 404
