"""The program with its window: a real Chromium without a screen, and the usual browser of a person."""

import os
import signal
import stat
from pathlib import Path

from tests.desktop.programs import Home, commands, eventually, ticket_in
from tests.sockets import client_id, connect, socket_path


class Socket:
    """The websocket of a page, with the names of `tests.sockets`."""

    def __init__(self, connection: object) -> None:
        self.connection = connection

    def send_text(self, text: str) -> None:
        self.connection.send(text)  # type: ignore[attr-defined]  # of websockets

    def receive_text(self) -> str:
        return str(self.connection.recv(timeout=20))  # type: ignore[attr-defined]  # of websockets


def test_closing_the_window_ends_the_program(home: Home) -> None:
    home.add("chromium", "exit 1")  # cannot show a window, so the next one is tried
    home.add_chromium("google-chrome")
    program = home.start()
    page = home.shown("Dashboard")
    assert page["url"] == f"{program.address}/user/dashboard"
    assert program.output == f"MoE Portal {program.address}/\n"
    assert "ticket" not in (home.data / "window" / "state.js").read_text(encoding="utf-8")
    assert stat.S_IMODE(home.profile.stat().st_mode) == 0o700

    again = home.start()
    assert again.wait() == 0
    assert again.output == program.output
    assert [shown["url"] for shown in home.pages()] == [page["url"]]

    home.close_browser()
    assert program.wait() == 0
    assert list((home.data / "window").iterdir()) == []
    assert not (home.directory / ".config" / "chromium").exists()  # the profile of the person
    assert program.errors == ""


def test_no_ticket_is_in_a_command_line(home: Home) -> None:
    home.add_chromium()
    program = home.start()
    tickets = set()

    def collect() -> bool:
        state = home.data / "window" / "state.js"
        if state.exists() and '"ticket"' in (text := state.read_text(encoding="utf-8")):
            tickets.add(text.partition('"ticket": "')[2].partition('"')[0].encode())
        return bool(tickets)

    eventually(collect, "ticket for the window")
    lines = commands()
    assert any(os.fsencode(home.profile) in line for line in lines)
    assert not [line for line in lines if any(ticket in line for ticket in tickets)]
    home.shown("Dashboard")
    assert program.stop() == 0
    assert not home.has_browser()


def test_killed_program_takes_its_window_along(home: Home) -> None:
    home.add_chromium()
    first = home.start()
    home.shown("Dashboard")
    first.process.send_signal(signal.SIGKILL)
    first.wait()
    second = home.start()  # while the old window may still be there
    assert second.address == first.address
    assert home.shown("Dashboard")["url"].startswith(second.address)
    assert second.stop(signal.SIGINT) == 0
    assert not home.has_browser()


def test_start_page_shows_why_the_program_cannot_start(home: Home) -> None:
    home.add_chromium()
    home.data.mkdir(mode=0o700)
    (home.data / "portal.sqlite3").write_bytes(b"not a database " * 1000)
    status, _, errors = home.run()
    assert status == 1
    state = (home.data / "window" / "state.js").read_text(encoding="utf-8")
    assert errors.strip() in state
    assert home.has_browser()  # the page stays until the person closes it
    home.close_browser()
    eventually(lambda: not home.has_browser(), "end of the window")


def test_last_page_of_the_usual_browser_ends_the_program(home: Home) -> None:
    opened = home.directory / "opened"
    home.add("xdg-open", f'echo "$1" > {opened}.new && mv {opened}.new {opened}')
    program = home.start()
    eventually(opened.exists, "page in the usual browser")
    page = Path(opened.read_text(encoding="utf-8").strip().removeprefix("file://"))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert ticket_in(page)
    window = program.open(page)
    for _ in range(2):  # the second time is a page that is loaded again
        path = socket_path(client_id(window.get("/user/dashboard").text))
        with program.page_socket(window, path) as connection:
            assert connect(Socket(connection))
        assert program.process.poll() is None
    assert program.wait() == 0
