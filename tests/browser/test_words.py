"""Every text on every page, form, error, dialog and menu comes from the catalogue: it is in the pseudo-locale."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from portal.db.tables import Account
from tests.browser.conftest import Person, Portal, create_busy, create_walker, running, running_with_mail
from tests.browser.contexts import Contexts, Lender
from tests.browser.places import ERRORS, PAGES, address, form_addresses, settle, windows_of
from tests.words.pseudo import PSEUDO, leak

pytestmark = pytest.mark.browser

HERE = Path(__file__).parent
PROGRAM = HERE.parent / "words" / "pseudo.py"
COLLECT = (HERE / "scripts" / "leaks.js").read_text(encoding="utf-8")
DATA = "|".join(
    [
        *("[Bb]ertha(-laptop|@example.org)?", "browser-tests", "BE", "moe-[0-9a-zA-Z_-]+…?", "mpk[-_]\\S+", "Etc/UTC"),
        *("qwen3-coder:30b", "a-model-with-[a-z0-9:-]+", "gpu-0\\d", "research", "Code", "504 timeout"),
        *("test", "another", "night", "ok", "[Aa]sker", "A thesis until Friday", "Theory", "list of 1 November"),
        *("[Ww]alker(-laptop|@example.org)?", "[Kk]eeper", "Thesis", "usage:read", "[0-9a-f]{8}"),
        *("(https|ntfys)://\\S+", "hooks.example.org"),
        *("CSV", "Excel", "JSON Lines", "SQLite", "LiteLLM", "OpenTelemetry", "Claude Code, Codex", "MoE Sovereign"),
        *("native", "moe_[a-z]+", "agent", "planner", "embedding", "batch", "event-\\d+", "Why was this so long\\?"),
    ]
)
"""Names of products and names given by people and gateways, which are the same in every language."""


@pytest.fixture(scope="module")
def pseudo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal with the pseudo-locale as its German."""
    with running(tmp_path_factory.mktemp("pseudo"), str(PROGRAM)) as portal:
        yield portal


@pytest.fixture(scope="module")
def reader(pseudo: Portal) -> Person:
    """A person who reads German, with pages that show everything a page can show."""
    create_walker(pseudo)
    person = create_busy(pseudo)
    pseudo.run(lambda session: setattr(session.get(Account, person.account.id), "language", PSEUDO))
    return person


@pytest.fixture
def pseudo_mailing(tmp_path: Path) -> Iterator[Portal]:
    """The same portal without an administrator and with mail set up."""
    with running_with_mail(tmp_path, PROGRAM) as portal:
        yield portal


@pytest.fixture
def visit(contexts: Contexts) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens an address in a German browser, signed in or not."""

    def open_page(lend: Lender, url: str, person: Person | None = None) -> Page:
        context = lend(viewport={"width": 1440, "height": 900}, locale="de-DE", timezone_id="UTC")
        if person is not None:
            context.add_cookies([{"name": "portal_session", "value": person.session, "url": urljoin(url, "/")}])
        page = context.new_page()
        page.goto(url)
        return page

    with contexts.lend() as lend:
        yield partial(open_page, lend)


def leaks(page: Page) -> list[str]:
    """Return the elements with text that is not from the catalogue."""
    found: list[Any] = page.evaluate(COLLECT)
    return sorted({place for place in found if leak(place.partition(": ")[2], DATA)})


@pytest.mark.parametrize("route", PAGES)
def test_page_and_its_windows_are_translated(
    route: str, pseudo: Portal, reader: Person, visit: Callable[..., Page]
) -> None:
    page = visit(pseudo.url + address(route), reader)
    page.wait_for_function("() => window.did_handshake === true")
    settle(page)
    assert page.locator("html").get_attribute("lang") == "de"
    assert leaks(page) == []
    for name, window in windows_of(route).items():
        opened = window.open(page)
        assert leaks(page) == [], name
        window.close(page)
        expect(opened).to_have_count(0)


@pytest.mark.parametrize("path", ERRORS.values())
@pytest.mark.parametrize("is_signed_in", [True, False], ids=["signed in", "signed out"])
def test_error_is_translated(
    path: str, is_signed_in: bool, pseudo: Portal, reader: Person, visit: Callable[..., Page]
) -> None:
    page = visit(pseudo.url + path, reader if is_signed_in else None)
    assert page.locator("html").get_attribute("lang") == "de"
    assert leaks(page) == []


def test_forms_are_translated(pseudo_mailing: Portal, visit: Callable[..., Page]) -> None:
    mailing = pseudo_mailing
    page = visit(f"{mailing.url}/user/login")
    assert page.locator("html").get_attribute("lang") == "de"
    for url in form_addresses(page, mailing):
        page.goto(url)
        assert leaks(page) == []
