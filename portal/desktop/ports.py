"""The port of the desktop program: the same at every start, since connected programs have its address.

Decision: the first port is below those that systems give to outgoing connections, so that nothing takes it by chance
while the program does not run. If another program has it, one run uses another port, the page Connect says so, and the
kept one stays in the file: connected programs report to it, so it is used again as soon as it is free. A port that the
person chooses with `--port` is kept too: the start with the system, and the entry in the menu, do not name it.
"""

import errno
import secrets
import socket
from contextlib import suppress
from pathlib import Path

from portal.desktop.failures import Failure, disk_failures
from portal.desktop.private import write_private
from portal.rules.messages import message

HIGHEST = 65_535
FIRST, LAST = 20_000, 29_999
"""The range of ports that the program chooses from."""
_TRIES = 50
_FILE = "port"


def listen_as_before(folder: Path) -> socket.socket:
    """Return a socket on the port that is kept in `folder`, or on another one for this run if it is taken.

    The first port is kept. Raises Failure if it cannot be written.
    """
    kept = kept_port(folder)
    if kept is not None and (listener := _listen(kept)) is not None:
        return listener
    chosen = (_listen(FIRST + secrets.randbelow(LAST - FIRST + 1)) for _ in range(_TRIES))
    listener = next(filter(None, chosen), None) or _bind(0)
    return listener if kept is not None else keep_port(folder, listener)


def listen(port: int) -> socket.socket:
    """Return a socket on the port that the person has chosen. Raises Failure."""
    try:
        return _bind(port)
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM}:
            sentence = message("Your user may not use port {port}. Choose one from 1024 with --port.", port=str(port))
        else:
            sentence = message(
                "Another program uses port {port}. Close that program, choose another port with --port, or leave out "
                "--port.",
                port=str(port),
            )
        raise Failure(sentence) from error


def keep_port(folder: Path, listener: socket.socket) -> socket.socket:
    """Keep the port of a socket for the next start; return the socket. Raises Failure if it cannot be written."""
    try:
        with disk_failures(folder):
            write_private(folder / _FILE, f"{listener.getsockname()[1]}\n")
    except (Failure, OSError):
        listener.close()
        raise
    return listener


def kept_port(folder: Path) -> int | None:
    """Return the port that connected programs know; None before the first start."""
    with suppress(OSError, ValueError):
        port = int((folder / _FILE).read_text(encoding="ascii"))
        return port if 1024 <= port <= HIGHEST else None
    return None


def _listen(port: int) -> socket.socket | None:
    """Return a socket on a port; None if it is taken."""
    try:
        return _bind(port)
    except OSError:
        return None


def _bind(port: int) -> socket.socket:
    """Return a socket that accepts connections on a port of 127.0.0.1; 0 is a free one. Raises OSError."""
    return socket.create_server(("127.0.0.1", port), backlog=2048)
