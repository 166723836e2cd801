"""The lock file of LiteLLM's environment agrees with its installed packages."""

import os
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tests.locks import dry_run, flags, locked, missing
from tests.test_house import PROJECT

LOCK = "requirements-gateway.lock"
PROGRAMS = Path(os.environ.get("PORTAL_TEST_LITELLM", "nowhere"))  # read here: tests run without PORTAL_* variables


@pytest.fixture
def installed() -> list[Distribution]:
    """Return the packages in the environment that `make gateway-test` names."""
    [packages] = PROGRAMS.parent.glob("lib/python*/site-packages")
    return list(distributions(path=[str(packages)]))


def test_lock_pins_all_required_packages(installed: list[Distribution]) -> None:
    assert missing(PROJECT["dependency-groups"]["gateway"], LOCK, installed) == set()


def test_older_lock_installs_what_it_pins(installed: list[Distribution], tmp_path: Path) -> None:
    assert dry_run(LOCK, installed, flags(LOCK), tmp_path) == locked(LOCK)
