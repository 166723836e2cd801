"""What tests of pages share."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from portal.db.session import Database
from tests.portals import running_portal


@pytest.fixture
def browser(db: Database) -> Iterator[TestClient]:
    """A browser, without a session, at a portal of its own."""
    with running_portal() as client:
        yield client
