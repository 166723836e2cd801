"""What the program refuses: requests that are not of its window, options, folders and databases it cannot use."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import httpx
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tools.desktop_proof.home import Home, Program, signed_in

TICKET_VALID = 60
"""Seconds after which a ticket is worth nothing."""
_SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"


def check_requests(address: str, ticket: str, token: str) -> None:
    """Send what other users, other sites and gateways might send; `ticket` is used here, `token` is a gateway's."""
    page, own = f"{address}/user/dashboard", {"Origin": address}
    with signed_in(address, ticket) as window:
        assert window.get("/user/dashboard").status_code == 200
        for headers in (
            {"Host": "portal.example"},
            {"Host": f"localhost:{address[-5:]}"},
            {"Origin": "https://a.example"},
        ):
            assert window.get("/user/dashboard", headers=headers).status_code == 403, headers
        for headers in ({}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:1"}):
            answer = window.post("/user/api/notes/1", headers=headers, json={"note": ""})
            assert answer.status_code == 403, (headers, answer)
        cookie = "; ".join(f"{name}={value}" for name, value in window.cookies.items())
    assert httpx.get(page).status_code == 403
    wrong = "; ".join(f"{name}={'0' * len(value)}" for name, value in window.cookies.items())
    assert httpx.get(page, headers={"Cookie": wrong}).status_code == 403
    assert httpx.post(f"{address}/desktop/open", data={"ticket": ticket}).status_code == 403, "used twice"
    given = {"Authorization": f"Bearer {token}"}
    for path in ("/user/dashboard", "/user/api/summary", "/user/api/usage", "/admin/gateways"):
        answer = httpx.get(f"{address}{path}", headers=given)
        assert (answer.status_code, "MoE" in answer.text) == (403, False), (path, answer)
    for headers, origin in (({}, address), ({"Cookie": cookie}, "https://a.example"), ({"Cookie": cookie}, None)):
        assert _socket_status(address, headers, origin) == 403, (headers, origin)
    assert httpx.get(f"{address}/healthz", headers=own).status_code == 200


def _socket_status(address: str, headers: dict[str, str], origin: str | None) -> int:
    """Return the status with which the handshake of a page's socket is answered."""
    named = Origin(origin) if origin else None
    try:
        with connect(
            f"ws{address.removeprefix('http')}{_SOCKET}", origin=named, additional_headers=headers, proxy=None
        ):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


def check_old_ticket(program: Program, printed: float, ticket: str) -> None:
    """Use a ticket that was printed at `printed`, a time of the monotonic clock, when it is too old."""
    time.sleep(max(printed + TICKET_VALID + 1 - time.monotonic(), 0))
    answer = httpx.post(f"{program.address()}/desktop/open", data={"ticket": ticket})
    assert answer.status_code == 403, "an old ticket was accepted"


def check_starts(file: Path, home: Home, folder: Path) -> None:
    """Start the file as it must not run: each time it says why in a sentence, and ends."""
    options: list[tuple[tuple[str, ...], int, str]] = [
        (("--port", "0"), 2, "--port is a number"),
        (("--port", "99999"), 2, "--port is a number"),
        (("--data", str(file)), 1, "is not a folder"),
    ]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options.append((("--port", str(taken.getsockname()[1])), 1, "Another program uses port"))
        running = [(home.start(file, *given, "--no-window"), status, sentence) for given, status, sentence in options]
        for program, status, sentence in running:
            _check_end(program, status, sentence)
    stranger = folder / "stranger"
    stranger.mkdir(mode=0o700)
    database = stranger / "portal.sqlite3"
    database.write_bytes(b"SQLite format 3\0" + os.urandom(9000))
    _check_end(home.start(file, "--data", str(stranger), "--no-window"), 1, "damaged")
    shutil.copy(home.data / "portal.sqlite3", database)
    with closing(sqlite3.connect(database)) as newer:
        newer.execute("UPDATE alembic_version SET version_num = '9999'")
        newer.commit()
    _check_end(home.start(file, "--data", str(stranger), "--no-window"), 1, "newer")


def check_disks(file: Path, home: Home, folder: Path) -> None:
    """Start the file on a folder that is read-only, and on a full disk; both are mounted for the program alone."""
    for name, options, sentence in (("read-only", "ro,mode=700", "read-only"), ("full", "size=100k,mode=700", "full")):
        data = folder / name
        data.mkdir()
        script = f'mount -t tmpfs -o {options} tmpfs "$1" && exec "$2" --data "$1" --no-window'
        command = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
        done = subprocess.run(
            [*command, "sh", "-c", script, "sh", str(data), str(file)],
            env=home.environment | {"PATH": os.environ["PATH"]},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, sentence in done.stderr, "Traceback" in done.stderr) == (1, True, False), done


def _check_end(program: Program, status: int, sentence: str) -> None:
    try:
        found = program.wait()
    except subprocess.TimeoutExpired:
        program.end(signal.SIGKILL)
        raise
    errors = program.errors
    assert (found, sentence in errors, "Traceback" in errors) == (status, True, False), (found, errors, program.output)
