import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

from portal.settings import settings
from portal.system import autostart
from portal.system.autostart import CannotSwitch, LaunchAgent, XdgEntry, exec_line, own_command, switch
from portal.system.folders import user_data_folder
from tests.desktops import use_desktop

COMMAND = ["/opt/moe portal/moe-portal", "--data", "/home/alice/100 % $HOME"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, with the folder of its settings elsewhere."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    use_desktop(tmp_path / "data")
    return tmp_path / "settings"


def test_switch_writes_an_entry_and_removes_it(config: Path) -> None:
    entry = config / "autostart" / "moe-portal.desktop"
    assert not autostart.is_on()
    switch(True)
    assert autostart.is_on()
    lines = entry.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    assert f"Exec={exec_line(own_command())}" in lines
    assert f"TryExec={sys.executable}" in lines
    assert list(entry.parent.iterdir()) == [entry]
    switch(False)
    switch(False)
    assert not autostart.is_on()
    assert not entry.exists()


def test_entry_is_in_the_home_without_a_folder_of_settings(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = Path(os.environ["HOME"]) / ".config" / "autostart" / "moe-portal.desktop"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert XdgEntry().path == expected
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative/folder")
    assert XdgEntry().path == expected


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false"])
def test_entry_that_the_system_switched_off_is_off(config: Path, line: str) -> None:
    entry = XdgEntry()
    entry.switch_on(COMMAND)
    entry.path.write_text(f"{entry.path.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
    assert not entry.is_on()
    entry.switch_on(COMMAND)
    assert entry.is_on()


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        pytest.param("/usr/bin/a", '"/usr/bin/a"', id="plain"),
        pytest.param("/my apps/a", '"/my apps/a"', id="space"),
        pytest.param("/100 %", '"/100 %%"', id="percent, which begins a field code"),
        pytest.param('/a"b', r'"/a\\"b"', id="quote"),
        pytest.param("/a$b`c", r'"/a\\$b\\`c"', id="dollar and backtick"),
        pytest.param("/a\\b", r'"/a\\\\b"', id="backslash"),
    ],
)
def test_exec_line_is_quoted(argument: str, expected: str) -> None:
    assert exec_line([argument]) == expected
    assert exec_line(["/x", argument]) == f'"/x" {expected}'


def test_exec_line_is_read_back_as_the_command() -> None:
    command = ["/my apps/a$b", "plain", 'q"`$\\ 100 %f', "ä ö"]
    assert read_exec(exec_line(command)) == command


@pytest.mark.parametrize("command", [["/a\nb"], ["/a=b"], ["/a", "b\tc"]])
def test_command_that_an_entry_cannot_have_is_refused(command: list[str]) -> None:
    with pytest.raises(ValueError, match="the path"):
        exec_line(command)


def test_switch_says_why_the_entry_cannot_be_written(config: Path) -> None:
    config.write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(CannotSwitch, match="The system did not take this: Not a directory"):
        switch(True)
    assert not autostart.is_on()


def test_command_names_a_folder_that_is_not_the_usual_one(config: Path, tmp_path: Path) -> None:
    plain = [sys.executable, "-P", "-m", "portal", "desktop", "--no-window"]
    assert own_command() == [*plain, "--data", str(tmp_path / "data")]
    use_desktop(user_data_folder())
    assert own_command() == plain


def test_command_of_the_single_file_is_its_path(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_desktop(user_data_folder())
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert own_command() == [sys.executable, "--no-window"]
    assert settings().is_desktop


def test_command_starts_the_program_from_any_folder(config: Path, tmp_path: Path) -> None:
    (tmp_path / "portal.py").write_text("raise SystemExit('the wrong portal')", encoding="utf-8")
    command = [*own_command()[:5], "--help"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "portal" in done.stdout.lower()


def test_launch_agent_is_a_property_list(config: Path) -> None:
    agent = LaunchAgent()
    agent.switch_on(COMMAND)
    assert agent.is_on()
    assert plistlib.loads(agent.path.read_bytes())["ProgramArguments"] == COMMAND
    agent.switch_off()
    assert not agent.is_on()


def read_exec(line: str) -> list[str]:
    """Read a value of the Exec key as the specification says: escapes of texts, then field codes and quotes."""
    text = line.replace("\\\\", "\\").replace("%%", "%")
    arguments, argument, is_quoted = [], "", False
    letters = iter(text)
    for letter in letters:
        if letter == '"':
            is_quoted = not is_quoted
        elif letter == " " and not is_quoted:
            arguments.append(argument)
            argument = ""
        else:
            argument += next(letters) if letter == "\\" and is_quoted else letter
    return [*arguments, argument]
