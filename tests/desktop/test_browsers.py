"""Which browsers are found on each system, and how they are started."""

from pathlib import Path

import pytest

from portal.desktop import browsers
from portal.desktop.browsers import Browser, find_browsers, has_screen


def install(*programs: Path) -> None:
    for program in programs:
        program.parent.mkdir(parents=True, exist_ok=True)
        program.touch(0o755)


def test_chromium_comes_before_chrome_edge_and_brave(tmp_path: Path) -> None:
    names = ("brave-browser", "microsoft-edge", "google-chrome", "chromium")
    install(*(tmp_path / name for name in names))
    found = find_browsers("linux", {"PATH": str(tmp_path)})
    assert [browser.program.name for browser in found] == list(reversed(names))


def test_windows_is_searched_in_its_program_folders(tmp_path: Path) -> None:
    chrome = tmp_path / "local" / "Google" / "Chrome" / "Application" / "chrome.exe"
    edge = tmp_path / "x86" / "Microsoft" / "Edge" / "Application" / "msedge.exe"
    install(chrome, edge)
    variables = {"LOCALAPPDATA": str(tmp_path / "local"), "PROGRAMFILES(X86)": str(tmp_path / "x86")}
    assert [browser.program for browser in find_browsers("win32", variables)] == [chrome, edge]


def test_macos_is_searched_in_the_applications_of_the_user(tmp_path: Path) -> None:
    brave = tmp_path / "Applications" / "Brave Browser.app" / "Contents" / "MacOS" / "Brave Browser"
    install(brave)
    assert Browser(brave) in find_browsers("darwin", {"HOME": str(tmp_path)})


def test_no_browser_is_found_on_an_empty_path(tmp_path: Path) -> None:
    assert find_browsers("linux", {"PATH": str(tmp_path)}) == []


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("win32", {}, True),
        ("darwin", {}, True),
    ],
)
def test_screen(platform: str, variables: dict[str, str], expected: bool) -> None:
    assert has_screen(platform, variables) is expected


def test_snap_keeps_profile_and_pages_where_it_may_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    home = tmp_path / "home"
    assert (
        Browser(Path("/snap/bin/chromium")).room(folder, home) == home / "snap" / "chromium" / "common" / "moe-portal"
    )
    assert Browser(Path("/usr/bin/chromium")).room(folder, home) == folder


@pytest.mark.parametrize(("is_root", "count"), [(True, 1), (False, 0)])
def test_only_root_runs_without_the_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool, count: int
) -> None:
    monkeypatch.setattr(browsers, "_is_root", lambda: is_root)
    command = Browser(Path("/usr/bin/chromium")).command(tmp_path / "profile", tmp_path / "a page.html")
    assert command.count("--no-sandbox") == count
    assert command[-1] == f"--app=file://{tmp_path}/a%20page.html"
    assert "--no-first-run" in command
    assert any(word.startswith("--window-size=") for word in command)


@pytest.mark.parametrize(
    ("preferences", "has_size"),
    [
        ('{"browser": {"app_window_placement": {"_/window": {"html": {"right": 900}}}}}', True),
        ('{"browser": {}}', False),
        ("{", False),
    ],
    ids=["stored", "killed before it was stored", "damaged"],
)
def test_window_keeps_a_stored_size(tmp_path: Path, preferences: str, has_size: bool) -> None:
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(preferences, encoding="utf-8")
    command = Browser(Path("/usr/bin/chromium")).command(tmp_path, tmp_path / "window.html")
    assert any(word.startswith("--window-size=") for word in command) is not has_size
