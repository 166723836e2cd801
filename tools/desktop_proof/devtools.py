"""Read the page in a window of Qt, by the DevTools protocol."""

import json
import socket
from contextlib import suppress

import httpx
from websockets.sync.client import connect


def free_port() -> int:
    """Return a port that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def evaluate(port: int, expression: str) -> str:
    """Return the value of an expression in the only page, as text; empty while there is none."""
    with suppress(httpx.HTTPError, LookupError, OSError):
        address = httpx.get(f"http://127.0.0.1:{port}/json", timeout=5).json()[0]["webSocketDebuggerUrl"]
        with connect(address, proxy=None, max_size=None) as devtools:
            request = {"id": 1, "method": "Runtime.evaluate", "params": {"expression": expression}}
            devtools.send(json.dumps(request))
            return str(json.loads(devtools.recv(timeout=30))["result"]["result"]["value"])
    return ""
