"""The lock file of LiteLLM's environment, against what is installed there."""

import os
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest

from tests.locks import dry_run, flags, locked, missing
from tests.test_house import PROJECT

LOCK = "requirements-gateway.lock"
PROGRAMS = Path(os.environ.get("PORTAL_TEST_LITELLM", "nowhere"))  # a test's environment has no such variable


@pytest.fixture
def installed() -> list[Distribution]:
    """What is in the environment that `make gateway-test` names."""
    [packages] = PROGRAMS.parent.glob("lib/python*/site-packages")
    return list(distributions(path=[str(packages)]))


def test_it_pins_all_that_its_packages_require(installed: list[Distribution]) -> None:
    assert missing(PROJECT["dependency-groups"]["gateway"], LOCK, installed) == set()


def test_one_release_old_it_is_installed_as_it_is(installed: list[Distribution], tmp_path: Path) -> None:
    assert dry_run(LOCK, installed, flags(LOCK), tmp_path) == locked(LOCK)
