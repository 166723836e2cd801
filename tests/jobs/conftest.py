"""The mail server that jobs send to."""

from collections.abc import Iterator

import pytest

from tests.postoffice import PostOffice


@pytest.fixture
def office() -> Iterator[PostOffice]:
    """A mail server that takes everything by default."""
    server = PostOffice()
    yield server
    server.stop()
