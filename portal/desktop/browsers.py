"""Find the browsers that can show the portal in a window of its own: Chromium, Chrome, Edge, Brave."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.system.folders import NAME

_ON_PATH = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("microsoft-edge", "microsoft-edge-stable", "brave-browser", "brave-browser-stable", "brave"),
)
_ON_MACOS = ("Chromium", "Google Chrome", "Microsoft Edge", "Brave Browser")
_ON_WINDOWS = (
    *(r"Chromium\Application\chrome.exe", r"Google\Chrome\Application\chrome.exe"),
    *(r"Microsoft\Edge\Application\msedge.exe", r"BraveSoftware\Brave-Browser\Application\brave.exe"),
)
_PROGRAM_FOLDERS = ("LOCALAPPDATA", "PROGRAMFILES", "PROGRAMFILES(X86)")
_FLAGS = (
    *(
        "--no-first-run",
        "--no-default-browser-check",
        "--hide-crash-restore-bubble",
        "--disable-session-crashed-bubble",
    ),
    *("--disable-background-mode", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-breakpad", "--no-pings", "--disable-features=MediaRouter,msEdgeWelcomePage"),
    *("--password-store=basic", "--use-mock-keychain"),  # no question for the password of a key ring
    f"--class={NAME}",  # by which a desktop finds the icon of the window
)
"""Options with which a fresh profile asks nothing, and reaches the internet only if the person does."""
_AS_ROOT = ("--no-sandbox", "--test-type")
"""Chromium's sandbox does not work for root; the second option keeps it from saying so above each page."""
_FIRST_SIZE = ("--window-size=1280,860",)
"""Later windows get the size that the person gave the last one."""
_SNAP = Path("/snap/bin")


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that is installed."""

    program: Path

    def room(self, folder: Path, home: Path | None = None) -> Path:
        """Return the folder for its profile and its pages: in `folder`, or where a snap may read and write."""
        snap = _snap_name(self.program)
        return (home or Path.home()) / "snap" / snap / "common" / NAME if snap else folder

    def command(self, profile: Path, page: Path, *extra: str) -> list[str]:
        """Return the command that shows a page in a window without tabs and address."""
        flags = [*_FLAGS, *extra, *(_AS_ROOT if _is_root() else ()), *(() if _has_size(profile) else _FIRST_SIZE)]
        return [str(self.program), *flags, f"--user-data-dir={profile}", f"--app={page.as_uri()}"]


def find_browsers(platform: str = sys.platform, variables: Mapping[str, str] | None = None) -> list[Browser]:
    """Return the browsers of a system, the best one first."""
    given = os.environ if variables is None else variables
    match platform:
        case "win32":
            found = _below(given, _PROGRAM_FOLDERS, _ON_WINDOWS)
        case "darwin":
            found = _on_macos(given)
        case _:
            found = _on_path(given)
    return [Browser(program) for program in dict.fromkeys(found)]


def has_screen(platform: str = sys.platform, variables: Mapping[str, str] | None = None) -> bool:
    """Return whether windows can be shown."""
    given = os.environ if variables is None else variables
    return platform in {"win32", "darwin"} or bool(given.get("DISPLAY") or given.get("WAYLAND_DISPLAY"))


def _on_path(variables: Mapping[str, str]) -> Iterator[Path]:
    for name in _ON_PATH:
        if found := shutil.which(name, path=variables.get("PATH")):
            yield Path(found)


def _on_macos(variables: Mapping[str, str]) -> Iterator[Path]:
    for applications in (Path("/Applications"), Path(variables.get("HOME", "/")) / "Applications"):
        for name in _ON_MACOS:
            program = applications / f"{name}.app" / "Contents" / "MacOS" / name
            if program.exists():
                yield program


def _below(variables: Mapping[str, str], folders: tuple[str, ...], programs: tuple[str, ...]) -> Iterator[Path]:
    for program in programs:
        for folder in folders:
            if variables.get(folder) and (found := Path(variables[folder], *program.split("\\"))).exists():
                yield found


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _has_size(profile: Path) -> bool:
    """Return whether the browser has stored the size of the last window; a killed browser may not have."""
    try:
        stored = json.loads((profile / "Default" / "Preferences").read_bytes())
    except (OSError, ValueError):
        return False
    return bool(stored.get("browser", {}).get("app_window_placement"))


def _snap_name(program: Path) -> str | None:
    """Return the name of the snap that a program belongs to; Ubuntu's `chromium-browser` is a script for one."""
    if program.parent == _SNAP:
        return program.name
    if program.name == "chromium-browser" and (_SNAP / "chromium").exists():
        return "chromium"
    return None
