"""What documents tell people to type works as it is pasted, and names commands and settings that there are."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer import TyperException
from typer.main import get_command

from portal.cli import app
from portal.cli.commands import ENTRIES, set_quiet
from tests.portals import ROOT, Process
from tests.test_house import EXTRAS

DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.md")]
)
PUBLIC = "export PORTAL_BASE_URL=https://portal.example.org\n"
NOT_RUN = {
    "make demo": "its targets are tried by a fresh clone; the demo by tests/cli/test_demo.py",
    "make run": "serves until it is stopped; the test serves the same folder",
    "make desktop": "takes minutes, and installs; tests/test_packaging.py installs, and make desktop-test builds",
    "make bench": "takes minutes; tests/tools/test_bench.py tries it",
    "export PORTAL_IMPORT_URL": "needs a MoE Sovereign: tests/cli/test_import_sovereign.py",
    ".venv/bin/python -m hatchling": "tests/test_package.py builds",
    'pip install "$(ls': "needs a network; tests/test_package.py installs the wheel and serves",
    f"{PUBLIC}export PORTAL_DATABASE_URL": "needs the database server of an intranet",
}
"""By how a block begins: why nothing of it is run."""


def blocks(document: Path) -> list[str]:
    """Return what a document gives to be pasted into a shell."""
    return re.findall(
        r"^```(?:sh|bash|shell|console)\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


BLOCKS = [(document, block) for document in DOCUMENTS for block in blocks(document)]


def is_run(block: str) -> bool:
    return not block.startswith(tuple(NOT_RUN))


def test_reasons_are_those_of_blocks_that_there_are() -> None:
    assert [begins for begins in NOT_RUN if not any(block.startswith(begins) for _, block in BLOCKS)] == []
    assert {document.name for document, block in BLOCKS if is_run(block)} == {"README.md"}


def test_readme_works_as_pasted(tmp_path: Path) -> None:
    """One shell, all blocks in their order, in a folder with a fresh portal; its setup link is opened first."""
    portal = Process(tmp_path, PORTAL_DATA_DIR="data")
    try:
        link = portal.wait_for(r"(http://\S+/user/setup\?token=\S+)")
        address = portal.address()
        words = "four words are enough"
        form = {"username": "root", "email": "root@example.org", "password": words, "repeated": words}
        assert httpx.post(link, data=form, timeout=20).status_code == 303
        (tmp_path / ".venv").symlink_to(sys.prefix)
        write_spend_logs(tmp_path / "spend-logs.csv")
        pasted = [block for block in blocks(ROOT / "README.md") if is_run(block)]
        script = "\necho\n".join(pasted).replace("http://127.0.0.1:8080", address)
        known = '\nprintf "%s\\n" "$GATEWAY_TOKEN" "$API_KEY"\nportal user list'
        output = paste(script + known, tmp_path)
    finally:
        portal.stop()
    assert re.search(r"^moe-gw-[0-9a-f]{48}\nmoe-sk-[0-9a-f]{48}\n", output, re.MULTILINE), "stdout has the tokens only"
    answers = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    reported, asked, left = answers
    assert reported["accepted"] == 1
    assert asked["allowed"] is True
    assert (left["daily_used"], left["daily_limit"]) == (1_500, 1_000_000)
    assert re.search(r"^mara\t", output, re.MULTILINE)


def write_spend_logs(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["id", "username", "model", "prompt_tokens", "completion_tokens", "requested_at", "mode"])
        table.writerow(["old-1", "mara", "small", 10, 2, "2026-01-02T03:04:05Z", "native"])


def paste(script: str, folder: Path) -> str:
    """Run a script in a shell; return what it prints. It ends with the first command that fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTEST_"))}
    done = subprocess.run(
        ["bash", "-xeo", "pipefail", "-c", script],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def typed(text: str) -> list[list[str]]:
    """Return the words of each `portal` command in a shell's text."""
    joined = text.replace("\\\n", " ")
    return [
        shlex.split(found, comments=True)
        for found in re.findall(r"(?:^|[|;&(] ?)portal ((?:'[^']*'|\"[^\"]*\"|[^|;&)\n])*)", joined, re.MULTILINE)
    ]


COMMANDS = [words for _, block in BLOCKS for words in typed(block)]
INLINE = [
    " ".join(found.split())
    for document in [*DOCUMENTS, ROOT / "CHANGELOG.md"]
    for found in re.findall(r"`portal\s([^`]+)`", document.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_command_in_a_block_can_be_typed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nouns, options and types of values are right; it isn't run."""
    monkeypatch.setenv("PORTAL_IMPORT_URL", "postgresql://moe_admin@127.0.0.1:1/moe_userdb")
    command, rest = find(words)
    try:
        command.make_context("portal", rest)
    except TyperException as error:
        pytest.fail(f"portal {' '.join(words)}: {error}")
    finally:
        set_quiet(False)


@pytest.mark.parametrize("text", sorted(set(INLINE)))
def test_command_in_a_sentence_is_one_with_these_options(text: str) -> None:
    words = shlex.split(text)
    command, rest = find(words)
    options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
    assert {word.partition("=")[0] for word in rest if word.startswith("-")} <= options


def find(words: list[str]) -> tuple[Any, list[str]]:
    """Return the command that words name, and the words behind its name."""
    command: Any = get_command(app)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        assert words[0] in command.commands, f"there is no command {words[0]}"
        command = command.load(words[0]) if hasattr(command, "load") else command.commands[words[0]]
        words = words[1:]
    return command, words


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_settings_in_a_document_are_those_that_there_are(document: Path) -> None:
    known = set(re.findall(r"`(PORTAL_\w+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    named = set(re.findall(r"\bPORTAL_[A-Z_]*[A-Z]\b(?!_?\*)", document.read_text(encoding="utf-8")))
    assert named - known - {"PORTAL_TEST_BROWSER"} == set()


def test_changelog_lists_the_commands_that_help_lists() -> None:
    (line,) = re.findall(r"^- \*\*Commands\*\*: (.*?)\.$", read_changelog(), re.MULTILINE | re.DOTALL)
    listed = re.findall(r"`(?:portal )?([\w-]+)`", line)
    assert sorted(listed) == sorted(entry.name for entry in ENTRIES)


def read_changelog() -> str:
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_readme_names_every_extra() -> None:
    table = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(table) == sorted(EXTRAS)
