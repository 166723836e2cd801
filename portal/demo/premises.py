"""Where the demo runs: a directory of its own, which it may empty, and a port on loopback."""

import ipaddress
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.errors import Conflict, InvalidInput

DATABASE_FILES = ("portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm", "portal.sqlite3-journal")


@contextmanager
def own_directory(directory: Path, *, keep: bool) -> Iterator[None]:
    """Hold a directory for one demo, with the database that was there gone unless `keep`. Raises Conflict."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        if sys.platform != "win32":  # there, deleting an open database fails by itself
            import fcntl  # noqa: PLC0415  # POSIX only

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another demo is running in {directory}. Stop it first.") from None
        if not keep:
            for name in DATABASE_FILES:
                (directory / name).unlink(missing_ok=True)
        yield


def loopback(host: str) -> str:
    """Return a host that only this machine reaches. Raises InvalidInput, since everybody knows the demo's passwords."""
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise InvalidInput(
            f"The demo listens on this machine alone, since everybody knows its passwords; PORTAL_HOST is {host}. "
            "Use `portal serve` to be reached from elsewhere.",
            "host",
        )
    return host


def free_port(host: str, port: int) -> int:
    """Return `port` if nobody listens there, or any free one for 0. Raises Conflict."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        if sys.platform != "win32":  # there, the option would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise Conflict(
                f"Port {port} is in use or not allowed ({error.strerror}). Choose another one: portal demo --port 8081"
            ) from error
        return int(probe.getsockname()[1])


def address(host: str, port: int) -> str:
    """Return the URL of a host and port."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
