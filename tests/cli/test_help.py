"""What help promises."""

import os
import subprocess
import sys
from typing import Any

import pytest
from typer.main import get_command

from portal.cli import app
from portal.cli.commands import ENTRIES, NotLoaded
from tests.cli.terminal import commands, misuse, succeed


def test_there_are_the_commands_that_were_promised() -> None:
    assert {" ".join(words) for words in commands()} == {
        "serve", "demo", "desktop", "migrate", "backup", "restore", "verify", "rebuild",
        "user create", "user password", "user list", "user suspend", "user activate",
        "mail retry", "system show", "system test-channel",
        "user show", "user sign-out", "user unlock", "user password-link",
        "user edit", "user delete", "user import", "user bulk",
        "admin-token create", "admin-token list", "admin-token revoke",
        "key create", "key list", "key revoke", "key budget",
        "gateway create", "gateway token", "gateway list", "gateway revoke",
        "budget set", "budget show", "budget list", "budget default",
        "budget allow", "budget allowances", "budget end",
        "request list", "request approve", "request decline",
        "price set", "price end", "price list", "price remove", "price repair", "price preview",
        "price import",
        "team list", "team show", "team create", "team change", "team budget", "team move", "team manager",
        "team suspend", "team activate", "team delete",
        "held list", "held show", "held assign", "held dismiss", "mail failed", "prune", "audit list", "export person",
        "usage list", "usage requests", "usage chargeback", "note list",
        "template set", "template assign", "template list",
        "template delete", "template export", "template import",
        "import moe-sovereign", "import usage", "follow moe-sovereign",
    }  # fmt: skip


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    text = succeed(*words, "--help")
    assert f"  portal {' '.join(words)}" in text.split("Example:")[1]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_no_command_takes_a_secret_as_argument(words: tuple[str, ...]) -> None:
    command: Any = get_command(app)
    command = command.load(words[0])
    for word in words[1:]:
        command = command.commands[word]
    secret = {p.name for p in command.params if any(w in p.name for w in ("password", "secret", "token"))}
    assert secret <= {"password_stdin"}


def test_an_unknown_command_is_wrong_usage() -> None:
    assert "No such command" in misuse("frobnicate")


_HELP = """
import sys
from portal.cli import main
sys.argv = ["portal", "--help"]
try:
    main()
finally:
    print(*sys.modules, sep="\\n", file=sys.stderr)
"""


def test_help_imports_no_layer_below() -> None:
    done = subprocess.run([sys.executable, "-c", _HELP], capture_output=True, text=True, check=True)
    modules = {name.partition(".")[0] for name in done.stderr.split()}
    assert "price" in done.stdout
    assert modules.isdisjoint({"sqlalchemy", "nicegui", "pydantic", "pydantic_settings", "fastapi", "rich", "alembic"})


def test_every_listed_line_is_the_first_sentence_of_the_command() -> None:
    root: Any = get_command(app)
    for entry in ENTRIES:
        assert root.load(entry.name).get_short_help_str(200) == NotLoaded(entry).get_short_help_str(200)


def test_completion_lists_commands_without_importing_them() -> None:
    variables = os.environ | {"_PORTAL_COMPLETE": "complete_bash", "COMP_WORDS": "portal pr", "COMP_CWORD": "1"}
    program = [sys.executable, "-X", "importtime", "-m", "portal"]
    done = subprocess.run(program, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["price", "prune"]
    assert "sqlalchemy" not in done.stderr


def test_python_dash_m_is_the_same_command() -> None:
    output = subprocess.run(
        [sys.executable, "-m", "portal", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert output.startswith("Usage: portal [OPTIONS]")


def test_nearest_command_is_suggested() -> None:
    assert "Did you mean 'verify'?" in misuse("verfy")
