"""The house is in order: what is declared, locked, explained and offered is the same everywhere."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = ("requirements.lock", "requirements-test.lock")
TARGETS = {
    *("help", "demo", "run", "test", "gateway-test", "import-test"),
    *("chaos", "bench", "fuzz", "lint", "lock", "clean"),
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def names(requirements: list[str]) -> set[str]:
    """Return the bare names of requirements: `psycopg` for `psycopg[binary,pool]>=3.3,<4`."""
    return {re.split(r"[^\w.-]", requirement, maxsplit=1)[0] for requirement in requirements}


def pinned(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+)", read(lock), re.MULTILINE))


EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
RUNTIME = names(PROJECT["project"]["dependencies"] + EXTRAS["postgres"] + PROJECT["build-system"]["requires"])
EVERYTHING = RUNTIME.union(*(names(extra) for extra in EXTRAS.values()))


@pytest.mark.parametrize("lock", LOCKS)
@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(r"\w+://|\bfile:", id="an address"),
        pytest.param(r"(?<![\w.])~?/\w|\b[A-Za-z]:\\", id="an absolute path"),
        pytest.param(r"^\s*--(?!hash=sha256:)", id="an option of its own"),
    ],
)
def test_locks_say_nothing_of_the_machine_they_were_made_on(lock: str, trace: str) -> None:
    assert re.findall(trace, read(lock), re.MULTILINE) == []


@pytest.mark.parametrize(("lock", "declared"), [(LOCKS[0], RUNTIME), (LOCKS[1], EVERYTHING)], ids=LOCKS)
def test_every_dependency_is_pinned(lock: str, declared: set[str]) -> None:
    assert declared - pinned(lock).keys() == set()


def test_what_the_tests_run_on_is_what_people_run() -> None:
    assert pinned(LOCKS[0]).items() <= pinned(LOCKS[1]).items()


def test_the_locked_build_tool_is_the_one_the_build_asks_for() -> None:
    assert PROJECT["dependency-groups"]["build"] == PROJECT["build-system"]["requires"]


def test_every_dependency_is_explained() -> None:
    explained = re.findall(r"^\| `([\w.-]+)(?:\[[\w,]+\])?` \| \w.*\. \|$", read("CONTRIBUTING.md"), re.MULTILINE)
    assert sorted(explained) == sorted(EVERYTHING)


def test_make_alone_says_what_can_be_made() -> None:
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r"^make ([\w-]+) +[A-Z]", said, re.MULTILINE)) == TARGETS


def test_the_readme_leads_to_what_is_there() -> None:
    links = re.findall(r"\]\(([^)#\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    files = [link for link in links if "://" not in link]
    assert "docs/images/dashboard.png" in files
    assert [file for file in files if not (ROOT / file).exists()] == []
