"""Use the files of `make desktop` and `make desktop-qt` as a person does: `python -m tools.desktop_proof`.

Both run in an empty home on a screen of their own. Stored rows are compared, not pixels alone; pictures of the window
are in test-results/desktop. `--readme FILE` saves one for the README. At the end it prints size, start and memory.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from scripts.ensure_browser import browsers
from tools.desktop_proof.devtools import evaluate, free_port
from tools.desktop_proof.home import ROOT, Home, Program, signed_in
from tools.desktop_proof.person import NOTE, attached, fill, report, see_figure, see_note, send, write_note
from tools.desktop_proof.refusals import check_disks, check_old_ticket, check_requests, check_starts
from tools.desktop_proof.screen import eventually, screen

FILE = ROOT / "dist" / "moe-portal"
QT_FILE = ROOT / "dist" / "moe-portal-qt"
PICTURES = ROOT / "test-results" / "desktop"
TITLE = "MoE Portal"
MIB = 1024 * 1024
MOST_MEMORY = 150
"""MB that the server may need."""
EVENTS = "SELECT model, prompt_tokens, completion_tokens FROM usage_events ORDER BY id"
NOTES = "SELECT text FROM notes"


def main() -> int:
    """Run all steps; return the exit status."""
    parser = argparse.ArgumentParser(prog="tools.desktop_proof", description=__doc__.partition("\n")[0])
    parser.add_argument("--readme", type=Path, help="where a picture of the window is saved")
    parser.add_argument("--no-qt", action="store_true", help="leave out the file with Qt")
    chosen = parser.parse_args()
    browser = next(browsers())
    with ExitStack() as ends:
        folder = Path(ends.enter_context(tempfile.TemporaryDirectory(prefix="desktop-", ignore_cleanup_errors=True)))
        shown = ends.enter_context(screen())
        driver = ends.enter_context(sync_playwright())
        home, bare = Home(folder / "home", shown, browser), Home(folder / "bare", shown, None)
        ends.callback(home.end_all)
        ends.callback(bare.end_all)
        proof = Proof(home, bare, driver.chromium.connect_over_cdp, folder)
        try:
            proof.run(chosen.readme)
        except BaseException:
            shown.save(PICTURES / "failure.png")
            raise
        measured = {"moe-portal, size": f"{FILE.stat().st_size / MIB:.1f} MiB"} | proof.measured
        if not chosen.no_qt:
            measured |= use_qt(home)
    for name, value in measured.items():
        sys.stdout.write(f"{name}: {value}\n")
    return 0


def step(sentence: str) -> None:
    """Print the next step."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {sentence}\n")
    sys.stdout.flush()


class Proof:
    """The steps with the file that shows its window in a browser; each leaves the program ended."""

    def __init__(self, home: Home, bare: Home, connect: Callable[[str], Browser], folder: Path) -> None:
        """Use two homes, `bare` without a browser."""
        self.home = home
        self._bare = bare
        self.measured: dict[str, str] = {}
        self._screen = home.screen
        self._connect = connect
        self._folder = folder
        self._token = ""

    def run(self, readme: Path | None) -> None:
        """Take all steps."""
        waiting = self._bare.start(FILE, "--data", str(self._folder / "waiting"), "--no-window")
        waiting.address()
        printed, ticket = time.monotonic(), waiting.ticket()
        self.first_start(readme)
        self.start_again()
        self.kill()
        self.start_twice()
        step("starts that are refused")
        check_starts(FILE, self.home, self._folder)
        check_disks(FILE, self.home, self._folder)
        step("a home without a browser, and a ticket that is too old")
        alone = self._bare.start(FILE)
        with signed_in(alone.address(), alone.ticket()) as client:
            assert client.get("/user/dashboard").status_code == 200
        assert alone.end(signal.SIGTERM) == 0, alone.errors
        check_old_ticket(waiting, printed, ticket)
        assert waiting.end(signal.SIGTERM) == 0, waiting.errors

    def first_start(self, readme: Path | None) -> None:
        """Start in the empty home, report, write a note, start a second time, close the window."""
        step("the first start, in an empty home")
        program = self.home.start(FILE)
        self._screen.window("")
        self._measure("first start, until there is a window", program)
        address = program.address()
        self._measure("first start, until requests are answered", program)
        self._screen.window("Dashboard")
        self._measure("first start, until the first page", program)
        window = self._screen.window(TITLE)
        with attached(self.home, self._connect) as page:
            step("a program reports with the snippet of the page Connect, and the window shows it")
            self._token = report(page, address)
            assert self.home.rows(EVENTS) == [("qwen3:8b", 12, 3)]
            see_figure(page, self._tokens())
            self._screen.save(PICTURES / "figure.png")
            step("a note is written in the window")
            write_note(page)
            assert self.home.rows(NOTES) == [(NOTE,)]
            memory = program.memory()
            self.measured["memory of the server"] = f"{memory:.0f} MB"
            assert memory <= MOST_MEMORY, f"the server needs {memory:.0f} MB"
            if readme:
                fill(address, self._token)
                page.goto(f"{address}/user/dashboard")
                expect(page.locator(".js-plotly-plot .main-svg").first).to_be_visible()
                self._screen.save(readme, window)
        step("a second start raises the window")
        self._screen.minimize(window)
        eventually(lambda: not self._screen.is_in_front(window), "the minimized window")
        second = self.home.start(FILE)
        assert (second.wait(), second.address()) == (0, address), second.errors
        eventually(lambda: self._screen.is_in_front(window), "the raised window")
        step("requests that are refused")
        asking = self.home.start(FILE, "--no-window")
        assert asking.wait() == 0, asking.errors
        check_requests(address, asking.ticket(), self._token)
        self._close(program)

    def start_again(self) -> None:
        """Find figure and note after a start."""
        step("the program is started again")
        program = self.home.start(FILE)
        self._screen.window("Dashboard")
        self._measure("second start, until the first page", program)
        with attached(self.home, self._connect) as page:
            see_figure(page, self._tokens())
            see_note(page)
            self._screen.save(PICTURES / "again.png")
        self._close(program)

    def kill(self) -> None:
        """End the program as a power cut does, and find the event that it has acknowledged."""
        step("kill -9, and start again")
        program = self.home.start(FILE)
        self._screen.window("Dashboard")
        send(program.address(), self._token, "acknowledged")
        program.kill()
        self._see_no_window()
        program = self.home.start(FILE)
        self._screen.window("Dashboard")
        assert ("acknowledged", 1, 1) in self.home.rows(EVENTS), "an acknowledged event is lost"
        assert program.end(signal.SIGTERM) == 0, program.errors
        self._see_no_window()

    def start_twice(self) -> None:
        """Start twice at once: one program runs, the other start ends."""
        step("two starts at once")
        both = [self.home.start(FILE), self.home.start(FILE)]
        assert both[0].address() == both[1].address()
        ended = eventually(lambda: [one for one in both if one.process.poll() is not None], "the end of one of them")
        assert [one.wait() for one in ended] == [0]
        [stays] = [one for one in both if one not in ended]
        self._close(stays)

    def _tokens(self) -> int:
        """Return the stored tokens."""
        return sum(prompt + completion for _, prompt, completion in self.home.rows(EVENTS))

    def _measure(self, name: str, program: Program) -> None:
        self.measured[name] = f"{program.since_start():.1f} s"

    def _close(self, program: Program) -> None:
        """Close the window; the program ends with status 0 and loses nothing."""
        stored = self.home.rows(EVENTS), self.home.rows(NOTES)
        self._screen.window("Portal")
        for window in self._screen.windows():
            self._screen.close(window)
        assert program.wait() == 0, program.errors
        assert (self.home.rows(EVENTS), self.home.rows(NOTES)) == stored
        self._see_no_window()

    def _see_no_window(self) -> None:
        eventually(lambda: not self._screen.windows(), "a screen without windows")


def use_qt(home: Home) -> dict[str, str]:
    """Use the file with Qt on the same data; return what was measured."""
    step("the file with a window of its own, on the same data")
    rows = home.rows(EVENTS)
    port = free_port()
    program = home.start(QT_FILE, QTWEBENGINE_REMOTE_DEBUGGING=f"127.0.0.1:{port}")
    window = home.screen.window("Dashboard")
    seconds = program.since_start()
    total = sum(prompt + completion for _, prompt, completion in rows)
    eventually(lambda: f"{total:,}" in evaluate(port, "document.body.innerText"), "the figure in the window of Qt")
    drawn = "Boolean(document.querySelector('.js-plotly-plot .main-svg'))"
    eventually(lambda: evaluate(port, drawn) == "True", "the chart in the window of Qt")
    home.screen.save(PICTURES / "qt.png")
    home.screen.close(window)
    assert program.wait() == 0, program.errors
    assert (home.rows(EVENTS), home.rows(NOTES)) == (rows, [(NOTE,)])
    return {
        "moe-portal-qt, size": f"{QT_FILE.stat().st_size / MIB:.1f} MiB",
        "moe-portal-qt, start until the first page": f"{seconds:.1f} s",
    }


if __name__ == "__main__":
    sys.exit(main())
