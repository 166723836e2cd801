"""Starting the desktop program when its person signs in to the system.

Linux and the BSDs: a desktop entry in the autostart folder (Desktop Application Autostart Specification 0.5, Desktop
Entry Specification 1.5). Windows: a value of the user's Run key. macOS: a launch agent of the user. The last two are
written after the vendors' pages and have not been run.
"""

import os
import plistlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from portal.errors import Unavailable
from portal.rules.messages import message
from portal.settings import settings
from portal.system.folders import NAME, user_data_folder

_LABEL = "org.moe-portal.desktop"
_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
_RESERVED = re.compile(r"[\"`$\\]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HIDDEN = re.compile(r"^(Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$", re.MULTILINE)
_ENTRY = """\
[Desktop Entry]
Type=Application
Name=MoE Portal
Comment=Token budgets and usage of local models
Comment[de]=Token-Kontingente und Nutzung lokaler Modelle
Exec={command}
TryExec={program}
Icon=moe-portal
Terminal=false
StartupNotify=false
X-GNOME-Autostart-enabled=true
"""


class CannotSwitch(Unavailable):
    """The system does not let the program change what it starts."""

    def __init__(self, reason: str) -> None:
        super().__init__(message("The system did not take this: {reason}.", reason=reason))


class Autostart(Protocol):
    """The place where a system lists the programs that it starts."""

    def is_on(self) -> bool:
        """Return whether the program is listed and not switched off there."""

    def switch_on(self, command: Sequence[str]) -> None:
        """List this command, a program with its arguments. Raises OSError and ValueError."""

    def switch_off(self) -> None:
        """Remove the program from the list. Raises OSError."""


class XdgEntry:
    """A desktop entry in `$XDG_CONFIG_HOME/autostart`."""

    def __init__(self) -> None:
        """Find the folder; a relative XDG_CONFIG_HOME is ignored, as the specification says."""
        named = Path(os.environ.get("XDG_CONFIG_HOME", ""))
        home = named if named.is_absolute() else Path.home() / ".config"
        self.path = home / "autostart" / f"{NAME}.desktop"

    def is_on(self) -> bool:
        """Return whether the entry is there; settings of desktops switch it off by a line in it."""
        try:
            return not _HIDDEN.search(self.path.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return False

    def switch_on(self, command: Sequence[str]) -> None:
        """Write the entry. Raises OSError, and ValueError for a command that an entry cannot have."""
        entry = _ENTRY.format(command=exec_line(command), program=_escaped(command[0]))
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(entry, encoding="utf-8")
        fresh.replace(self.path)

    def switch_off(self) -> None:
        """Remove the entry. Raises OSError."""
        self.path.unlink(missing_ok=True)


class LaunchAgent:
    """A property list in `~/Library/LaunchAgents`, which macOS reads at sign-in."""

    def __init__(self) -> None:
        """Find the folder."""
        self.path = Path.home() / "Library" / "LaunchAgents" / f"{_LABEL}.plist"

    def is_on(self) -> bool:
        """Return whether the list is there."""
        return self.path.is_file()

    def switch_on(self, command: Sequence[str]) -> None:
        """Write the list. Raises OSError."""
        agent = {"Label": _LABEL, "ProgramArguments": list(command), "RunAtLoad": True, "ProcessType": "Interactive"}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(plistlib.dumps(agent))

    def switch_off(self) -> None:
        """Remove the list. Raises OSError."""
        self.path.unlink(missing_ok=True)


if sys.platform == "win32":
    import winreg

    class RunKey:
        """A value of the Run key of the user."""

        def is_on(self) -> bool:
            """Return whether the value is there."""
            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                    winreg.QueryValueEx(key, NAME)
            except OSError:
                return False
            return True

        def switch_on(self, command: Sequence[str]) -> None:
            """Write the value. Raises OSError."""
            with winreg.CreateKey(winreg.HKEY_CURRENT_USER, _RUN_KEY) as key:
                winreg.SetValueEx(key, NAME, 0, winreg.REG_SZ, subprocess.list2cmdline(command))

        def switch_off(self) -> None:
            """Remove the value. Raises OSError."""
            if self.is_on():
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, _RUN_KEY, access=winreg.KEY_SET_VALUE) as key:
                    winreg.DeleteValue(key, NAME)


def autostart() -> Autostart:
    """Return the place of this system."""
    if sys.platform == "win32":
        return RunKey()
    return LaunchAgent() if sys.platform == "darwin" else XdgEntry()


def is_on() -> bool:
    """Return whether the system starts the program at sign-in."""
    return autostart().is_on()


def switch(on: bool) -> None:
    """Let the system start this program at sign-in, or no longer. Raises CannotSwitch."""
    try:
        if on:
            autostart().switch_on(own_command())
        else:
            autostart().switch_off()
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise CannotSwitch(reason) from error


def own_command() -> list[str]:
    """Return the command that starts this program on the same data, without a window until a person opens it.

    It is the single file, or `portal desktop` of this installation; with -P, Python does not import from the folder in
    which the system starts it.
    """
    is_frozen = getattr(sys, "frozen", False)
    program = [sys.executable] if is_frozen else [sys.executable, "-P", "-m", "portal", "desktop"]
    program.append("--no-window")
    folder = settings().data_dir.absolute()
    return program if folder == user_data_folder() else [*program, "--data", str(folder)]


def exec_line(command: Sequence[str]) -> str:
    """Return a command as the Exec key of a desktop entry. Raises ValueError for a program or a text it cannot have.

    Each argument is quoted, `%` is doubled since it begins a field code, and then the value is escaped like every text
    of an entry, so that a backslash within quotes becomes four.
    """
    if "=" in command[0]:
        raise ValueError(f"the path {command[0]} contains “=”")
    quoted = (f'"{_RESERVED.sub(_with_backslash, argument)}"' for argument in command)
    return _escaped(" ".join(quoted)).replace("%", "%%")


def _with_backslash(found: re.Match[str]) -> str:
    return f"\\{found.group()}"


def _escaped(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("the path contains a control character")
    return text.replace("\\", "\\\\")
