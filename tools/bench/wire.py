"""A minimal HTTP client, which takes little time, so that the server is measured."""

import json
import socket
from urllib.parse import urlsplit


class Connection:
    """One keep-alive HTTP connection; requests are prepared bytes."""

    def __init__(self, address: str) -> None:
        """Connect to `http://host:port`."""
        host, port = urlsplit(address).hostname, urlsplit(address).port
        assert host is not None
        self._socket = socket.create_connection((host, port or 80), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the body of its answer, which must be 200 with a Content-Length."""
        self._socket.sendall(request)
        answer = self._socket.recv(65_536)
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head = answer[:end].lower()
        assert head.startswith(b"http/1.1 200 "), answer[:500]
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(answer) < end + 4 + length:
            answer += self._more()
        return answer[end + 4 :]

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _more(self) -> bytes:
        received = self._socket.recv(65_536)
        assert received, "the server has hung up"
        return received


def get(address: str, path: str, **headers: str) -> bytes:
    """Return a GET request as bytes; underscores in the names of headers are hyphens."""
    return _request("GET", address, path, headers, b"")


def post(address: str, path: str, content: object, **headers: str) -> bytes:
    """Return a POST request of JSON as bytes."""
    body = json.dumps(content).encode()
    sent_headers = headers | {"Content_Type": "application/json", "Content_Length": str(len(body))}
    return _request("POST", address, path, sent_headers, body)


def _request(method: str, address: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    named = {"Host": urlsplit(address).netloc} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body
