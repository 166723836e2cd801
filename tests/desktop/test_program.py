"""The program without a window: what it prints, how it ends, and that nothing is lost."""

import signal
import socket
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import httpx

from tests.desktop.programs import Home, Program, eventually, ticket_in

NO_WINDOW = "--no-window"
LABEL = {"label": "My laptop"}
KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def status_of(host: str, target: str, *headers: str) -> int:
    """Send a GET request as it is written here; return the status of the answer."""
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port)), timeout=20) as connection, connection.makefile("rb") as answer:
        connection.sendall("\r\n".join((f"GET {target} HTTP/1.1", *headers, "", "")).encode())
        return int(answer.readline().split()[1])


def create_key(window: httpx.Client) -> None:
    assert window.post("/user/api/keys", json=LABEL).status_code == 201


def keys(window: httpx.Client) -> list[str]:
    return [key["label"] for key in window.get("/user/api/keys").json()["keys"]]


def ticket_page(program: Program) -> Path:
    return Path(program.find(r"\nticket (.*)\n"))


def test_program_keeps_everything_after_signals_and_kills(home: Home) -> None:
    first = home.start(NO_WINDOW)
    window = first.open()
    create_key(window)
    page = ticket_page(first)
    assert first.output == f"MoE Portal {first.address}/\nticket {page}\n"
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert stat.S_IMODE(home.data.stat().st_mode) == 0o700
    used = window.post("/desktop/open", data={"ticket": ticket_in(page)})
    assert (used.status_code, used.text) == (403, "Forbidden")
    assert httpx.get(f"{first.address}/user/dashboard").status_code == 403
    first.process.send_signal(signal.SIGKILL)
    first.wait()

    second = home.start(NO_WINDOW)  # with the lock and the files of the killed program
    assert keys(second.open()) == [LABEL["label"]]
    assert second.stop(signal.SIGHUP) == 0
    assert sorted(path.name for path in home.data.iterdir()) == [
        "lock",
        "moe-portal.log",
        "port",
        "portal.sqlite3",
        "secret",
    ]
    assert second.errors == ""


def test_of_two_starts_at_once_one_serves(home: Home) -> None:
    both = [home.start(NO_WINDOW), home.start(NO_WINDOW)]
    pages = [ticket_page(program) for program in both]
    assert both[0].address == both[1].address
    second = eventually(lambda: next((each for each in both if each.process.poll() is not None), None), "second start")
    assert second.wait() == 0
    assert second.output == f"MoE Portal {second.address}/\nticket {pages[0]}\n"
    (first,) = set(both) - {second}
    assert first.open().get("/user/dashboard").status_code == 200
    assert first.stop(signal.SIGINT) == 0


def test_port_that_was_asked_for_is_kept(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    first = home.start(NO_WINDOW, "--port", str(port))
    assert first.address == f"http://127.0.0.1:{port}"
    assert first.stop(signal.SIGTERM) == 0
    second = home.start(NO_WINDOW)  # as the start with the system does
    assert second.address == first.address
    assert second.stop(signal.SIGTERM) == 0


def test_port_of_another_program_is_named_until_it_is_free(home: Home) -> None:
    notice = "Another program has the port"
    first = home.start(NO_WINDOW)
    address, port = first.address, int(first.address.rpartition(":")[2])
    assert notice not in first.open().get("/user/connect").text
    assert first.stop(signal.SIGTERM) == 0
    with socket.create_server(("127.0.0.1", port)):
        second = home.start(NO_WINDOW)
        assert second.address != address
        page = second.open().get("/user/connect").text
        assert notice in page
        assert second.address in page
        assert second.stop(signal.SIGTERM) == 0
    log = (home.data / "moe-portal.log").read_text(encoding="utf-8")
    assert f"another program has port {port}, so this run uses port" in log
    third = home.start(NO_WINDOW)
    assert third.address == address
    assert third.stop(signal.SIGTERM) == 0
    assert third.errors == ""


def test_only_exactly_the_own_host_gets_an_answer(home: Home) -> None:
    program = home.start(NO_WINDOW)
    host = program.address.removeprefix("http://")
    own, foreign = f"Host: {host}", "Host: example.org"
    socket_of_page = (
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {KEY}",
    )
    window = program.open()
    cookie = "; ".join(f"{name}={value}" for name, value in window.cookies.items())
    visitor = f"Cookie: {cookie}", f"Origin: {program.address}"
    page = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    answers = {
        "one": status_of(host, "/healthz", own),
        "two": status_of(host, "/healthz", own, foreign),
        "two, foreign first": status_of(host, "/healthz", foreign, own),
        "the same twice": status_of(host, "/healthz", own, own),
        "foreign target": status_of(host, "http://example.org/healthz", own),
        "own target": status_of(host, f"http://{host}/healthz", own),
        "page": status_of(host, "/user/dashboard", own, *visitor),
        "page, foreign target": status_of(host, "http://example.org/user/dashboard", own, *visitor),
        "page, two": status_of(host, "/user/dashboard", own, foreign, *visitor),
        "socket": status_of(host, page, own, *visitor, *socket_of_page),
        "socket, foreign target": status_of(host, f"http://example.org{page}", own, *visitor, *socket_of_page),
        "socket, two": status_of(host, page, own, foreign, *visitor, *socket_of_page),
    }
    answered = {"one": 200, "page": 200, "socket": 101}
    assert answers == dict.fromkeys(answers, 403) | answered
    assert program.stop() == 0


def test_signal_during_the_start_ends_it_with_success(home: Home) -> None:
    program = home.start(NO_WINDOW)
    while not (home.data / "instance.json").exists():
        assert program.process.poll() is None
    assert program.stop() == 0
    assert "Traceback" not in program.errors


def test_no_browser_leaves_a_file_to_open(home: Home) -> None:
    home.add("xdg-open", "exit 3")
    program = home.start()
    window = program.open()
    assert window.get("/user/dashboard").status_code == 200
    assert program.stop() == 0


def test_data_of_a_newer_version_are_left_alone(home: Home) -> None:
    home.data.mkdir(mode=0o700)
    file = home.data / "portal.sqlite3"
    with closing(sqlite3.connect(file)) as database:
        database.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE alembic_version (version_num TEXT);"
            "INSERT INTO alembic_version VALUES ('9999')"
        )
    before = file.read_bytes()
    status, output, errors = home.run(NO_WINDOW)
    assert (status, output) == (1, "")
    assert errors.startswith("A newer version of MoE Portal has written the data in")
    assert file.read_bytes() == before


def test_damaged_database_is_left_alone(home: Home) -> None:
    home.data.mkdir(mode=0o700)
    file = home.data / "portal.sqlite3"
    file.write_bytes(b"not a database " * 1000)
    status, output, errors = home.run(NO_WINDOW, LANG="de_DE.UTF-8")
    assert (status, output) == (1, "")
    assert errors.startswith(f"Die Datenbank {file} ist beschädigt.")
    assert errors.count("\n") == 1
    assert file.read_bytes() == b"not a database " * 1000


def test_log_is_not_written_through_a_link(home: Home) -> None:
    home.data.mkdir(mode=0o700)
    other = home.directory / "other"
    other.write_text("mine", encoding="utf-8")
    (home.data / "moe-portal.log").symlink_to(other)
    status, output, errors = home.run(NO_WINDOW)
    assert (status, output) == (1, "")
    assert errors.startswith(f"{home.data / 'moe-portal.log'} is a link")
    assert errors.count("\n") == 1
    assert other.read_text(encoding="utf-8") == "mine"
