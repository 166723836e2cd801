"""The desktop program in a real browser: its pages, its refusals, and what a page shows after its end."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect
from sqlalchemy import select

from portal.actions.metering.gateways import create_gateway
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.spending.prices import price_book
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.people.accounts import LOCAL
from portal.rules.spending.budgets import Limits
from tests.browser.axe import violations
from tests.browser.conftest import PHONE, WIDE
from tests.browser.places import settle
from tests.cast import OPERATOR
from tests.desktops import SERVER_WORDS

ROOT = Path(__file__).parents[3]
PAGES = {
    "/user/dashboard": ("Dashboard", "Übersicht"),
    "/user/billing": ("Billing", "Abrechnung"),
    "/user/usage": ("Usage History", "Verbrauchsverlauf"),
    "/user/connect": ("Connect", "Verbinden"),
    "/user/profile": ("Profile", "Profil"),
}
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
LEAVING = """[...document.querySelectorAll("a[href]")].filter(link => link.origin !== location.origin)
  .filter(link => link.target !== "_blank" || !link.relList.contains("noopener")).map(link => link.href)"""
"""Links to other sites that would replace the page of the window."""
UNKNOWN = ("/user/login", "/user/setup", "/user/forgot-password", "/user/keys", "/admin/gateways")


@dataclass
class Desktop:
    """A running desktop program without a window, and its database."""

    process: "subprocess.Popen[str]"
    url: str
    ticket: str
    settings: Path
    database: Database

    def local(self) -> int:
        with self.database.transaction() as session:
            return session.scalars(select(Account.id).where(Account.username == LOCAL)).one()

    def limit(self, limits: Limits) -> None:
        account_id = self.local()
        with self.database.transaction() as session:
            set_budget(session, OPERATOR, account_id, limits, utc_now())

    def speak(self, language: str) -> None:
        account_id = self.local()
        with self.database.transaction() as session:
            session.get_one(Account, account_id).language = language


def start(folder: Path) -> Desktop:
    """Start the program with its data in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PORTAL_"))}
    environment |= {
        "PORTAL_REFRESH_SECONDS": "1",
        "XDG_CONFIG_HOME": str(folder / "settings"),
        "HOME": str(folder),
        "LANGUAGE": "en",
    }
    command = [sys.executable, "-m", "portal", "desktop", "--data", str(folder / "data"), "--no-window"]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().split()[-1].rstrip("/")
    ticket = process.stdout.readline().removeprefix("ticket ").strip()
    return Desktop(process, url, ticket, folder / "settings", Database(f"sqlite:///{folder / 'data'}/portal.sqlite3"))


@contextmanager
def running(folder: Path) -> Iterator[Desktop]:
    """Run the program with its data in a folder."""
    found = start(folder)
    yield found
    found.process.kill()
    found.process.wait()
    assert found.process.stdout is not None
    found.process.stdout.close()
    found.database.close()


@contextmanager
def opened(desktop: Desktop, chromium: Chromium) -> Iterator[Page]:
    """Open the window of the program by its ticket."""
    context = chromium.new_context(viewport={"width": WIDE, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(8000)
    page = context.new_page()
    page.goto(Path(desktop.ticket).as_uri())
    page.wait_for_url("**/user/dashboard")
    page.wait_for_function("() => window.did_handshake === true")
    yield page
    context.close()


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    """A program without usage, for all tests that leave it running and without usage."""
    with running(tmp_path_factory.mktemp("desktop")) as found:
        yield found


@pytest.fixture(scope="module")
def window(desktop: Desktop, chromium: Chromium) -> Iterator[Page]:
    with opened(desktop, chromium) as page:
        yield page


@pytest.fixture
def own(tmp_path: Path, chromium: Chromium) -> Iterator[tuple[Desktop, Page]]:
    """A program and its window for one test, since tests run in any order."""
    with running(tmp_path) as found, opened(found, chromium) as page:
        yield found, page


def go(page: Page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("() => window.did_handshake === true")
    settle(page)


def check(page: Page, desktop: Desktop, number: int, *, has_axe: bool) -> None:
    """Check every page in the language of this number: heading, words, links, width, and with `has_axe` all rules."""
    for route, headings in PAGES.items():
        go(page, desktop.url + route)
        expect(page.get_by_role("heading", level=1)).to_have_text(headings[number])
        assert SERVER_WORDS.findall(page.inner_text("body")) == [], route
        assert page.evaluate(LEAVING) == [], route
        for width in (WIDE, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            page.wait_for_function(f"() => {TOO_WIDE} <= 0")
            if has_axe:
                assert violations(page) == [], (route, width)
        page.set_viewport_size({"width": WIDE, "height": 900})


def test_empty_pages_are_for_a_person_alone(desktop: Desktop, window: Page) -> None:
    check(window, desktop, 0, has_axe=True)
    go(window, f"{desktop.url}/user/dashboard")
    expect(window.get_by_role("link", name="Connect a program")).to_have_attribute("href", "/user/connect")


def test_pages_of_a_server_are_unknown(desktop: Desktop, window: Page) -> None:
    for path in UNKNOWN:
        answer = window.goto(desktop.url + path)
        assert answer is not None
        assert answer.status == httpx.codes.NOT_FOUND, path
    assert SERVER_WORDS.findall(window.inner_text("body")) == []
    assert violations(window) == []


def test_budgets_and_price_are_set_on_the_profile(desktop: Desktop, window: Page) -> None:
    go(window, f"{desktop.url}/user/profile")
    budgets, price = window.get_by_test_id("budgets-form"), window.get_by_test_id("price-form")
    budgets.get_by_label("Daily budget").fill("1.5")
    budgets.get_by_role("button", name="Save budgets").click()
    expect(budgets.get_by_label("Daily budget")).to_have_attribute("aria-invalid", "true")
    budgets.get_by_label("Daily budget").fill("1500")
    budgets.get_by_label("Daily budget").press("Enter")
    expect(budgets).to_contain_text("Budgets saved.")
    expect(budgets.get_by_label("Daily budget")).to_have_value("1,500")
    price.get_by_label("EUR per billable token").fill("0.000001")
    expect(price).to_contain_text("€1.00 for a million tokens")
    price.get_by_role("button", name="Save price").click()
    expect(price).to_contain_text("Price saved.")
    go(window, f"{desktop.url}/user/dashboard")
    expect(window.get_by_test_id("budget-card-daily").get_by_test_id("limit")).to_have_text("1,500")
    with desktop.database.transaction() as session:
        assert f"{price_book(session)[-1].eur_per_token:f}" == "0.000001"


def test_switch_writes_the_entry_of_the_system(desktop: Desktop, window: Page) -> None:
    go(window, f"{desktop.url}/user/profile")
    computer = window.get_by_test_id("computer")
    entry = desktop.settings / "autostart" / "moe-portal.desktop"
    computer.get_by_role("switch", name="Start with the system").click()
    expect(computer).to_contain_text("It starts with the system.")
    assert "--no-window" in entry.read_text(encoding="utf-8")
    window.keyboard.press("F5")
    window.wait_for_function("() => window.did_handshake === true")
    expect(computer.get_by_role("switch", name="Start with the system")).to_be_checked()
    computer.get_by_role("switch", name="Start with the system").click()
    expect(computer).to_contain_text("It no longer starts with the system.")
    assert not entry.exists()


def test_german_pages_are_for_a_person_alone(own: tuple[Desktop, Page]) -> None:
    desktop, window = own
    with desktop.database.transaction() as session:
        token = create_gateway(session, OPERATOR, "ollama", utc_now()).token
    event = {"id": "a", "username": LOCAL, "model": "qwen3:32b", "mode": "native", "prompt_tokens": 2000}
    answer = httpx.post(
        f"{desktop.url}/api/v1/usage",
        json=[event | {"completion_tokens": 500, "requested_at": utc_now().isoformat()}],
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.json()["accepted"] == 1
    desktop.limit(Limits(daily=1500, total=2000))
    desktop.speak("de")
    check(window, desktop, 1, has_axe=False)
    go(window, f"{desktop.url}/user/dashboard")
    assert violations(window) == []
    banner = window.get_by_test_id("budget-banner")
    expect(banner.get_by_role("link", name="Limit erhöhen")).to_have_attribute("href", "/user/profile#budgets")
    banner.get_by_role("link", name="Limit erhöhen").click()
    expect(window.get_by_test_id("budgets-form")).to_be_in_viewport()


def test_page_says_that_its_person_quit_the_program(own: tuple[Desktop, Page]) -> None:
    desktop, window = own
    go(window, f"{desktop.url}/user/usage")
    window.get_by_test_id("account-menu").click()
    window.get_by_role("menuitem", name="Quit MoE Portal").click()
    cover = window.get_by_role("alert").filter(has_text="MoE Portal was closed")
    expect(cover).to_be_visible()
    expect(window).to_have_title("MoE Portal was closed")
    assert desktop.process.wait(20) == 0
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    window.wait_for_timeout(1500)
    assert asked == []
    for width in (WIDE, PHONE):
        window.set_viewport_size({"width": width, "height": 900})
        assert violations(window) == []
