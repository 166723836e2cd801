"""What all tests share: settings that are nobody's own, real databases, and the cast.

Decision: whatever asks for `db` runs on SQLite, and in the tests of queries, actions and views on PostgreSQL as well;
nothing is skipped. Alice owns, Bob shares, Charlie must see nothing.
"""

import gc
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from nicegui import app, ui
from nicegui.functions.download import download
from nicegui.functions.navigate import Navigate
from nicegui.functions.notify import notify

from portal.actions.people.keys import NewKey, create_key
from portal.actions.people.sessions import Browser, open_session_for
from portal.clock import utc_now
from portal.db.sql.session import Database, run_in_transaction
from portal.db.tables import Account
from portal.settings import settings
from tests.cast import NOW, Gateway, acting, create_member, new_gateway, run

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.databases import Server

BOTH = {"db", "actions", "views", "jobs", "backups"}
"""The tests in these directories, and in those inside them, run on both databases."""

hypothesis.settings.register_profile("deterministic", derandomize=True, deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("deterministic")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what touches a database on both of them, where that is what the directory is for."""
    directories = metafunc.definition.path.relative_to(Path(__file__).parent).parts
    if "database_kind" in metafunc.fixturenames and BOTH.intersection(directories):
        metafunc.parametrize("database_kind", ["sqlite", "postgresql"])


def pytest_collection_finish() -> None:
    """Keep imported modules out of the garbage collection: NiceGUI collects twice a test, which takes half a second."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep the settings of whoever runs the tests out of them."""
    for name in [name for name in os.environ if name.upper().startswith("PORTAL_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(autouse=True)
def nobodys_nicegui(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what tests leave in NiceGUI.

    `User` puts its own in place of some functions, sometimes still while an old page is being closed; and every router
    that is included wraps the app's lifespan once more, until it is too deep to enter.
    """
    for name, own in {"navigate": Navigate(), "notify": notify, "download": download}.items():
        monkeypatch.setattr(ui, name, own)
    monkeypatch.setattr(app.router, "lifespan_context", app.router.lifespan_context)


@pytest.fixture
def settings_env(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give a function that changes settings for one test: `settings_env(budget_timezone="Europe/Berlin")`."""

    def change(**values: object) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"PORTAL_{name.upper()}", str(value))
        settings.cache_clear()

    return change


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Server]":
    """SQLite files."""
    from tests.databases import SQLite  # loading PostgreSQL's wheel takes a moment that most runs can save

    server = SQLite(tmp_path_factory.mktemp("sqlite"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgresql() -> "Iterator[Server]":
    """A private PostgreSQL server; started when the first test asks for it, gone at the end."""
    from tests.databases import PostgreSQL

    server = PostgreSQL()
    yield server
    server.stop()


@pytest.fixture
def database_kind() -> str:
    """On which database a test runs; `pytest_generate_tests` has it run on both where that is the point."""
    return "sqlite"


@pytest.fixture
def databases(database_kind: str, request: pytest.FixtureRequest) -> "Server":
    """Where databases of that kind come from."""
    found: Server = request.getfixturevalue(database_kind)
    return found


@pytest.fixture
def db(databases: "Server", settings_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """The database of the process: migrated, empty, and this test's alone."""
    from tests.databases import empty

    empty(databases.database)
    monkeypatch.setattr("portal.db.sql.session._database", databases.database)
    settings_env(database_url=databases.url)
    yield databases.database
    left_open = _still_open(databases.database)
    if left_open:
        databases.database.close()
    assert left_open == 0, "the test has left a connection open"


def _still_open(database: Database) -> int:
    """Return how many connections are still in use, after what pages load on threads has had time to end."""
    pool, until = database.engine.pool, time.monotonic() + 2
    while pool.checkedout() and time.monotonic() < until:  # type: ignore[attr-defined]  # a QueuePool on both
        time.sleep(0.01)
    return int(pool.checkedout())  # type: ignore[attr-defined]


@pytest.fixture
def browser(db: Database) -> "Iterator[TestClient]":
    """A browser, without a session, at a whole portal of its own."""
    from tests.portals import running_portal  # importing it loads the whole portal

    with running_portal() as client:
        yield client


@pytest.fixture
def migrated_sqlite(db: Database) -> Database:
    """The same under the name that says which database pages and API are tested on."""
    assert db.engine.dialect.name == "sqlite"
    return db


@pytest.fixture
def alice(db: Database) -> Account:
    """Owns the usage, the keys and the notes that a test is about. Her password is `cast.PASSWORD`."""
    return create_member("alice", time_zone="Europe/Berlin")


@pytest.fixture
def bob(db: Database) -> Account:
    """Uses the same gateway as Alice, with keys, usage and notes of his own."""
    return create_member("bob", time_zone="America/New_York")


@pytest.fixture
def charlie(db: Database) -> Account:
    """Has nothing, and must see nothing of the others."""
    return create_member("charlie")


@pytest.fixture
def admin(db: Database) -> Account:
    """Runs the portal."""
    return create_member("root", role="admin")


@pytest.fixture
def alices_key(alice: Account) -> NewKey:
    """Alice's API key, with its secret."""
    return run(create_key, acting(alice), alice.id, "Alice's laptop", None, NOW)


@pytest.fixture
def bobs_key(bob: Account) -> NewKey:
    """Bob's API key, with its secret."""
    return run(create_key, acting(bob), bob.id, "Bob's laptop", None, NOW)


@pytest.fixture
def gateway(db: Database) -> Gateway:
    """A gateway that reports usage, with its token."""
    return new_gateway("moe-1")


@pytest.fixture
def sign_in_as(db: Database) -> Callable[[Account], str]:
    """Give a function that opens a session for an account, without its password, and returns the cookie's token."""

    def open_one(account: Account) -> str:
        browser = Browser("Firefox", "127.0.0.1")
        return run_in_transaction(open_session_for, account.id, browser, utc_now()).token

    return open_one
