"""The address of the demo: a free port of this machine, which no other machine can reach."""

import ipaddress
import socket
import sys

from portal.errors import Conflict, InvalidInput


def loopback(host: str) -> str:
    """Return `host` if only this machine reaches it. Raises InvalidInput: the passwords of the demo are public."""
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
    """Return `port`, or a free port for 0. Raises Conflict if the port is in use or not allowed."""
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
