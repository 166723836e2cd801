"""Print the path of a Chromium that starts; download or install one if there is none.

The script looks at PORTAL_TEST_BROWSER, at the browsers of the system, and at Playwright's download, in this order.
Then it downloads one, or as root installs Debian's. Only the path is on stdout; progress goes to stderr.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ON_MACOS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DOWNLOAD_SECONDS = 600


def main() -> int:
    """Print a path and return 0, or print what the person can do and return 1."""
    chosen = os.environ.get("PORTAL_TEST_BROWSER")
    if chosen:
        if not starts(chosen):
            return complain(f"PORTAL_TEST_BROWSER is {chosen}, which does not start.")
        print(chosen)
        return 0
    browser = next(browsers(), None)
    if browser is None:
        return complain(
            "The browser tests need Chromium or Chrome, and none could be found, downloaded or installed. "
            "Install one, or set PORTAL_TEST_BROWSER to its path."
        )
    print(browser)
    return 0


def browsers() -> Iterator[str]:
    """Yield browsers that start; each step runs only if the steps before it found none."""
    yield from filter(starts, on_this_machine())
    run(
        "Downloading Chromium for the browser tests",
        sys.executable,
        "-m",
        "playwright",
        "install",
        "--no-shell",
        "chromium",
    )
    yield from filter(starts, on_this_machine())
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        run("Reading the list of packages", "apt-get", "update")
        run("Installing Chromium for the browser tests", "apt-get", "install", "--yes", "chromium")
        yield from filter(starts, on_this_machine())


def on_this_machine() -> Iterator[str]:
    """Yield paths where a browser may be."""
    yield from filter(None, map(shutil.which, NAMES))
    yield from ON_MACOS
    with sync_playwright() as playwright:
        yield playwright.chromium.executable_path


def starts(browser: str) -> bool:
    """Return whether the program exists and runs; a download may lack libraries, or may only say how to install."""
    if not Path(browser).is_file():
        return False
    asked = subprocess.run([browser, "--version"], capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return asked.returncode == 0


def run(what: str, *command: str) -> None:
    """Run a step with its output on stderr; `on_this_machine` shows later whether it worked."""
    print(f"{what} …", file=sys.stderr, flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=quiet, timeout=DOWNLOAD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        print(f"{what}: gave up after {DOWNLOAD_SECONDS} seconds.", file=sys.stderr)


def complain(sentence: str) -> int:
    """Print why there is no path; return the exit status."""
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
