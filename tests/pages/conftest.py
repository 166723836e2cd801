"""What tests of pages share."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from portal.db.session import Database
from portal.pages import clients
from tests.portals import running_portal


@pytest.fixture(autouse=True)
def no_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pages that earlier tests have left open: their sessions are in a database that is gone."""
    for of_the_process in ("_open", "_session_of", "_driven", "_turns"):
        monkeypatch.setattr(clients, of_the_process, {})


@pytest.fixture
def browser(db: Database) -> Iterator[TestClient]:
    """A browser, without a session, at a portal of its own."""
    with running_portal() as client:
        yield client
