"""What tests of pages share."""

import asyncio
from collections.abc import Iterator

import pytest
import time_machine

from portal.pages import clients
from portal.pages.admin import connect
from portal.pages.components import live
from tests.cast import NOW


@pytest.fixture(autouse=True)
def no_page_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the pages that earlier tests have left open: their sessions are in a database that is gone."""
    for of_the_process in ("_open", "_session_of", "_driven", "_turns"):
        monkeypatch.setattr(clients, of_the_process, {})


@pytest.fixture(autouse=True)
def patient_light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the light of a new key or gateway look once, so that no test ends while it looks again."""
    monkeypatch.setattr(connect, "LOOKS_EVERY", 3600)


@pytest.fixture
def sunday_afternoon() -> Iterator[None]:
    """It is the cast's NOW, and stays so."""
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def no_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget what earlier tests have loaded for their pages."""
    monkeypatch.setattr(live, "_feeds", {})
    monkeypatch.setattr(live, "_slots", asyncio.Semaphore(4))
