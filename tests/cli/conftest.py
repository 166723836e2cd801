"""What the tests of `portal serve` and `portal demo` share."""

from collections.abc import Callable

import pytest

from portal.settings import Settings, settings


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """Collect the settings of servers in place of running them."""
    seen: list[Settings] = []

    def serve(chosen: Settings, *, access_log: bool = True, ready: Callable[[], None]) -> None:
        assert chosen is settings()
        seen.append(chosen)
        ready()

    monkeypatch.setattr("portal.web.process.serve", serve)
    return seen
