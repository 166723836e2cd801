"""The lock files: complete, and installed with what makes them enough on any day."""

from importlib.metadata import distributions
from pathlib import Path

import pytest

from tests.locks import LOCKS, dry_run, flags, installed_files, locked, missing
from tests.test_house import EXTRAS, PROJECT

BUILD: list[str] = PROJECT["build-system"]["requires"]
DECLARED: list[str] = PROJECT["project"]["dependencies"]
WANTED = {
    LOCKS[0]: [*DECLARED, *EXTRAS["postgres"], *EXTRAS["parquet"], *BUILD],
    LOCKS[1]: [*DECLARED, *EXTRAS["postgres"], *EXTRAS["parquet"], *EXTRAS["test"], *BUILD],
}


def test_make_installs_every_lock_and_nothing_else() -> None:
    assert installed_files() == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_alone_says_what_is_installed(lock: str) -> None:
    assert {"--no-deps", "--require-hashes"} <= set(flags(lock))


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_pins_all_that_its_packages_require(lock: str) -> None:
    assert missing(WANTED[lock], lock, distributions()) == set()


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_that_is_one_release_old_is_installed_as_it_is(lock: str, tmp_path: Path) -> None:
    assert dry_run(lock, distributions(), flags(lock), tmp_path) == locked(lock)


def test_what_a_lock_does_not_pin_is_found_missing() -> None:
    assert missing(["uvicorn[standard]>=9999", "no-such-package"], LOCKS[0], distributions()) == {
        "uvicorn>=9999",
        "no-such-package",
    }
