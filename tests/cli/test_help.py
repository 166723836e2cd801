"""What help promises."""

from typing import Any

import pytest
from typer.main import get_command

from portal.cli import app
from tests.cli.terminal import misuse, succeed


def commands() -> list[tuple[str, ...]]:
    """Return the words of every command."""
    top: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]  # a group
    groups = {name: getattr(command, "commands", None) for name, command in top.items()}
    return [words for name, subs in groups.items() for words in ([(name, sub) for sub in subs] if subs else [(name,)])]


def test_there_are_the_commands_that_were_promised() -> None:
    assert {" ".join(words) for words in commands()} == {
        "serve", "demo", "verify", "rebuild",
        "user create", "user password", "user list", "user suspend", "user activate",
        "key create", "key list", "key revoke",
        "gateway create", "gateway token", "gateway list", "gateway revoke",
        "budget set", "budget show", "price set", "price list", "price remove", "price repair", "price preview",
        "held list", "held show", "held assign", "held dismiss", "mail failed", "prune",
        "template set", "template assign", "template list",
        "import moe-sovereign", "import usage", "follow moe-sovereign",
    }  # fmt: skip


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_explains_itself_with_an_example(words: tuple[str, ...]) -> None:
    text = succeed(*words, "--help")
    assert f"  portal {' '.join(words)}" in text.split("Example:")[1]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_no_command_takes_a_secret_as_argument(words: tuple[str, ...]) -> None:
    command: Any = get_command(app)
    for word in words:
        command = command.commands[word]
    secret = {p.name for p in command.params if any(w in p.name for w in ("password", "secret", "token"))}
    assert secret <= {"password_stdin"}


def test_an_unknown_command_is_wrong_usage() -> None:
    assert "No such command" in misuse("frobnicate")
