"""A real server in a process of its own, and a real Chromium in front of it.

The server refreshes every second here, so that a test sees several ticks; nothing else differs from what people use.
"""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import ConsoleMessage, Page, Route, expect, sync_playwright
from sqlalchemy import select, update

from portal.actions.metering.gateways import create_gateway
from portal.actions.metering.notes import write_note
from portal.actions.people.admin_tokens import create_admin_token
from portal.actions.people.keys import NewKey, create_key
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.people.teams import add_manager, create_team, move_account
from portal.actions.spending.allowances import grant_allowance
from portal.actions.spending.budget_requests import ask_for_more
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.prices import enter_model_price
from portal.actions.templates import assign_template, define_template
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.db.tables import Account, OutboxMessage, Session
from portal.db.templates import AssignedModel
from portal.rules.periods import Period
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import Rates
from tests.browser.contexts import TIMEOUT, Contexts, Lender
from tests.cast import OPERATOR, PASSWORD, PASSWORD_HASH, acting
from tests.portals import Process

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("PORTAL_TEST_BROWSER")
FLAGS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TICK = 1.0
expect.set_options(timeout=TIMEOUT)
WIDE, PHONE = 1440, 390
LONG_MODEL = "accounts/fireworks/models/llama-v3p1-405b-instruct-long-context-2026-10-01"
LONG_MODE = "a-mode-with-a-rather-long-name-for-batch-processing-at-night"
LONG_TEMPLATE = "research-template-of-the-department-of-theoretical-physics-2026"
LONG_GATEWAY = "eu-central-production-inference-gateway-of-the-research-group-01"
LONG_USER = "wordy-with-a-name-as-long-as-names-may-be-and-no-longer-than-64"


@dataclass
class Person:
    """A person with an account, a key and an open session."""

    account: Account
    key: NewKey
    session: str
    password: str = PASSWORD


@dataclass
class Portal:
    """A running portal, its database, and a gateway that reports to it."""

    port: int
    directory: Path
    database: Database
    gateway_token: str = ""
    team_id: int = 0
    process: "subprocess.Popen[bytes] | None" = None
    program: str = "main.py"
    _reported: int = field(default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server and wait until it is ready."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PORTAL_"))}
        environment |= {
            "PORTAL_PORT": str(self.port),
            "PORTAL_DATA_DIR": str(self.directory),
            "PORTAL_REFRESH_SECONDS": str(TICK),
        }
        command = [sys.executable, self.program]
        with (self.directory / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        for _ in range(300):
            if self.process.poll() is not None:
                pytest.fail(f"the server ended:\n{self.log()}")
            try:
                if httpx.get(f"{self.url}/readyz").status_code == httpx.codes.OK:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.1)
        pytest.fail(f"the server is not ready:\n{self.log()}")

    def stop(self) -> None:
        """Stop the server as an operator does."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def log(self) -> str:
        """Return the output of the server."""
        return (self.directory / "server.log").read_text(errors="replace")[-5000:]

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run an action on the database of the server."""
        with self.database.transaction() as session:
            return work(session, *args)

    def person(self, name: str, *, limits: Limits | None = None, zone: str = "UTC", role: str = "user") -> Person:
        """Create an account with one key called after its owner."""
        now = datetime.now(UTC)

        def create(session: Any) -> Account:
            account = Account(
                username=name,
                display_name=name.title(),
                email=f"{name}@example.org",
                role=role,
                active=True,
                password_hash=PASSWORD_HASH,
                time_zone=zone or None,
                language="en",
                theme="system",
                created_at=now,
            )
            session.add(account)
            session.flush()
            return account

        account = self.run(create)
        key = self.run(create_key, acting(account), account.id, f"{name}-laptop", None, now)
        if limits is not None:
            self.run(set_budget, OPERATOR, account.id, limits, now)
        signed_in = self.run(open_session_for, account.id, Browser("test", "127.0.0.1"), now)
        self.run(lambda session: session.execute(update(Session).values(confirmed_at=None)))  # the password is old
        return Person(account, key, signed_in.token)

    def report(self, person: Person, *events: dict[str, Any]) -> None:
        """Report usage as a gateway does, over HTTP; every event must be accepted."""
        batch = []
        for event in events or ({},):
            self._reported += 1
            plain = {
                "id": f"event-{self._reported}",
                "api_key": person.key.secret,
                "model": "qwen3-coder:30b",
                "mode": "native",
                "prompt_tokens": 1000,
                "completion_tokens": 200,
                "requested_at": datetime.now(UTC).isoformat(),
            }
            batch.append(plain | event)
        answer = httpx.post(
            f"{self.url}/api/v1/usage", json=batch, headers={"Authorization": f"Bearer {self.gateway_token}"}
        )
        assert answer.status_code == httpx.codes.OK, answer.text
        assert answer.json()["accepted"] == len(batch), answer.text

    def put_in_charge(self, person: Person) -> None:
        """Make a person a member and a manager of the first team."""
        now = datetime.now(UTC)
        self.run(move_account, OPERATOR, person.account.id, self.team_id, now)
        self.run(add_manager, OPERATOR, self.team_id, person.account.id, now)

    def hold(self, *events: dict[str, Any]) -> None:
        """Report usage that cannot be counted, and is held."""
        plain = {"model": "qwen3-coder:30b", "mode": "native", "prompt_tokens": 1000, "completion_tokens": 200}
        batch = [plain | event for event in events]
        headers = {"Authorization": f"Bearer {self.gateway_token}"}
        answer = httpx.post(f"{self.url}/api/v1/usage", json=batch, headers=headers).json()
        assert {each["result"] for each in answer["results"]} <= {"unattributed", "conflict"}, answer


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One server for all browser tests; each test creates its own people."""
    with running(tmp_path_factory.mktemp("portal")) as found:
        create_walker(found)
        yield found


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Portal]:
    """A server for a test that creates thousands of accounts, which would slow the pages of all others."""
    with running(tmp_path) as found:
        yield found


def create_walker(portal: Portal) -> None:
    """Create the account with the id 1, with a budget and an allowance; tests of all pages open its page."""
    walker = portal.person("walker", limits=Limits(monthly=50_000))
    now = datetime.now(UTC)
    new = NewAllowance(Period.MONTHLY, 1_000, "Thesis", now + timedelta(days=20))
    portal.run(grant_allowance, OPERATOR, walker.account.id, new, now)
    portal.report(walker)
    keeper = portal.person("keeper", role="admin")
    portal.run(create_admin_token, OPERATOR, keeper.account.id, "walker", ["usage:read"], None, now)


@contextmanager
def running(directory: Path, program: str = "main.py") -> Iterator[Portal]:
    """Serve a portal with a gateway and a team, and yield it."""
    database = Database(f"sqlite:///{directory / 'portal.sqlite3'}")
    migrate(database)
    port = free_port()
    found = Portal(port, directory, database, program=program)
    found.gateway_token = found.run(create_gateway, OPERATOR, "browser-tests", datetime.now(UTC)).token or ""
    found.team_id = found.run(create_team, OPERATOR, "Theory", "K-1", datetime.now(UTC), Limits(monthly=10_000))
    found.start()
    yield found
    found.stop()
    database.close()


@pytest.fixture(scope="session")
def mailing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A portal without an administrator that queues mails, though there is no mail server."""
    with running_with_mail(tmp_path_factory.mktemp("mailing")) as found:
        yield found


@contextmanager
def running_with_mail(directory: Path, program: Path = ROOT / "main.py") -> Iterator[Portal]:
    """Serve a portal with mail set up, and yield it."""
    (directory / "data").mkdir()
    database = Database(f"sqlite:///{directory / 'data' / 'portal.sqlite3'}")
    migrate(database)
    port = free_port()
    process = Process(
        directory,
        program,
        PORTAL_PORT=str(port),
        PORTAL_BASE_URL=f"http://127.0.0.1:{port}",
        PORTAL_SMTP_HOST="127.0.0.1",
        PORTAL_SMTP_PORT=str(free_port()),
        PORTAL_SMTP_SECURITY="none",
        PORTAL_SMTP_FROM="portal@example.org",
    )
    process.address()
    yield Portal(port, directory, database)
    process.stop()
    assert "reset-password?" not in process.output
    assert "wencke" not in process.output
    database.close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(chromium: Chromium) -> Contexts:
    """The windows that tests share, one after the other."""
    return Contexts(chromium)


@pytest.fixture(scope="session")
def busy(portal: Portal) -> Person:
    """A person with pages that show everything a page can show."""
    return create_busy(portal)


def create_busy(portal: Portal) -> Person:
    """Create a person with long names, errors, notes and an overspent budget."""
    person = portal.person("bertha", role="admin", limits=Limits(daily=10_000, monthly=50_000, total=1_000_000))
    now = datetime.now(UTC)
    models = [
        AssignedModel("Code", "qwen3-coder:30b", "gpu-01", True),
        AssignedModel(
            "Code", "a-model-with-a-name-that-is-far-too-long-for-any-column:480b-instruct-q8", "gpu-02", False
        ),
    ]
    template_id = portal.run(define_template, OPERATOR, "research", Decimal("1.25"), models, now)
    portal.run(assign_template, OPERATOR, person.account.id, template_id, now)
    portal.put_in_charge(person)
    modes = ["native", "moe_orchestrated", "moe_reasoning", "moe_research", "agent", "planner", "embedding", "batch"]
    portal.report(
        person,
        *(
            {"mode": mode, "requested_at": minutes_ago(5 * number), "template": "research"}
            for number, mode in enumerate(modes)
        ),
        {"status": "504 timeout", "completion_tokens": 0, "requested_at": minutes_ago(90)},
    )
    asker = portal.person("asker", limits=Limits(monthly=50_000))
    portal.run(ask_for_more, acting(asker.account), Period.MONTHLY, 20_000, "A thesis until Friday", now)
    portal.hold({"id": "lost", "username": "nobody"})
    portal.hold({"id": "event-1", "username": "bertha"})
    first = portal.run(
        lambda session: session.connection().exec_driver_sql("SELECT max(id) FROM usage_events").scalar()
    )
    portal.run(write_note, acting(person.account), first, "Why was this so long?", now)
    portal.run(open_session_for, person.account.id, Browser("another", "127.0.0.2"), now)
    rates = Rates(Decimal("2.5"), Decimal(10), Decimal("1.25"))
    for begins in (now, now + timedelta(90)):
        portal.run(partial(enter_model_price, source="list of 1 November"), OPERATOR, "gpt-4*", rates, begins, now)
    return person


@pytest.fixture(scope="session")
def wordy(portal: Portal) -> Person:
    """A person with names that are too long for most columns, and with short ones and errors."""
    person = portal.person(LONG_USER, role="admin")
    now = datetime.now(UTC)
    models = [AssignedModel("Code", LONG_MODEL, LONG_GATEWAY, True), AssignedModel("Code", "gpt-5", "gpu-02", False)]
    template_id = portal.run(define_template, OPERATOR, LONG_TEMPLATE, Decimal("1.25"), models, now)
    portal.run(assign_template, OPERATOR, person.account.id, template_id, now)
    portal.run(create_gateway, OPERATOR, LONG_GATEWAY, now)
    portal.run(create_team, OPERATOR, LONG_USER, LONG_GATEWAY, now)
    portal.put_in_charge(person)
    portal.report(
        person,
        {"model": LONG_MODEL, "mode": LONG_MODE, "prompt_tokens": 54_321, "template": LONG_TEMPLATE},
        {"model": LONG_MODEL, "mode": "moe_orchestrated", "status": "504 timeout", "completion_tokens": 0},
        {"mode": "native", "status": "context_length_exceeded", "prompt_tokens": 7, "completion_tokens": 0},
        {"mode": "moe_reasoning", "prompt_tokens": 987_654},
        {"mode": "native"},
    )
    return person


@pytest.fixture
def visit(portal: Portal, contexts: Contexts) -> Iterator[Callable[..., Page]]:
    """Yield a function that opens a page as a person in a new window; scripts must not log errors.

    Allowed are errors about a wrong password, and about a connection that breaks when a test stops the portal.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        expected = ("net::ERR_CONNECTION_", "net::ERR_EMPTY_RESPONSE", "401 (Unauthorized)", "/_nicegui_ws/")
        text = f"{message.text} ({message.location.get('url')})"
        is_error_page = message.page is not None and message.location.get("url") == message.page.url
        if message.type == "error" and not is_error_page and not any(words in text for words in expected):
            complaints.append(text)

    def open_page(
        lend: Lender,
        person: Person | None,
        path: str,
        *,
        width: int = WIDE,
        scheme: str = "light",
        zone: str = "UTC",
        at: Portal = portal,
    ) -> Page:
        context = lend(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if scheme == "dark" else "light",
            timezone_id=zone,
            has_touch=width < 768,
            reduced_motion="reduce",
        )
        if person is not None:
            context.add_cookies([{"name": "portal_session", "value": person.session, "url": at.url}])
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(at.url + path)
        if person is not None:
            page.wait_for_function("() => window.did_handshake === true")
        return page

    with contexts.lend() as lend:
        yield partial(open_page, lend)
    assert complaints == []


@contextmanager
def unconnected(page: Page, url: str) -> Iterator[None]:
    """Open a page that connects to the server only after the block, as on a slow network."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/socket.io/**", hold)
    page.goto(url, wait_until="commit")
    yield
    page.unroute("**/socket.io/**")
    for route in held:
        route.continue_()
    page.wait_for_function("() => window.did_handshake === true")


def minutes_ago(count: float) -> str:
    """Return an instant in the notation of gateways."""
    return (datetime.now(UTC) - timedelta(minutes=count)).isoformat()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def mailed_link(portal: Portal, person: Person) -> str:
    """Return the link of a person's newest mail, which the server queues after its answer."""
    mails: list[OutboxMessage] = []
    newest = select(OutboxMessage).where(OutboxMessage.account_id == person.account.id).order_by(OutboxMessage.id)
    for _ in range(100):
        mails = portal.run(lambda session: session.scalars(newest).all())
        if mails:
            break
        time.sleep(0.05)
    (link,) = re.findall(r"^http\S+$", mails[-1].text, re.MULTILINE)
    return str(link)
