"""A window of the desktop program without a browser: opens all pages with their sockets, all files, all addresses."""

import json
import re
from html import unescape
from pathlib import Path
from urllib.parse import urldefrag, urlencode
from uuid import uuid4

import httpx
from websockets.sync.client import connect
from websockets.typing import Origin

_ADDRESS = re.compile(r"""["'(=](/(?:_nicegui/|static/|user/|admin/|api/|favicon)[^"'()\s<>\\]*)""")
_NOT_OPENED = re.compile(r"/(?:sign-out|logout|quit)|[{}$`]|/_nicegui/client/")
_TICKET = re.compile(r'{"action": "[^"]+", "ticket": "[^"]+"}')
_FILE = re.compile(r"/(?:_nicegui|static)/")
_CLIENT = re.compile(r"'client_id': '([0-9a-f-]{36})'")
MOST = 600
"""Addresses that are opened; the same page with another filter is another address."""


class Visitor:
    """A visitor with the cookie of the window, and what it was answered."""

    def __init__(self, address: str, ticket: Path) -> None:
        """Use the ticket of the program at `address`: http://127.0.0.1:8090/."""
        self.address = address.rstrip("/")
        self.answers: dict[str, int] = {}
        self._client = httpx.Client(base_url=self.address, timeout=60, headers={"Origin": self.address})
        form = _TICKET.search(ticket.read_text(encoding="utf-8"))
        assert form is not None, "the page of the ticket does not contain it"
        found = json.loads(form[0])
        self._client.post(found["action"], data={"ticket": found["ticket"]}).raise_for_status()

    def open_everything(self) -> None:
        """Open the first page, all that it and the others link to, their files, and what the API offers."""
        waiting = ["/", *self._offered()]
        while waiting and len(self.answers) < MOST:
            address = waiting.pop(0)
            if address not in self.answers:
                waiting += self._open(address)

    def _offered(self) -> list[str]:
        """Return the addresses that the API describes and that need no ids."""
        described = self._client.get("/api/openapi.json").json()["paths"]
        return [path for path, methods in described.items() if "get" in methods and "{" not in path]

    def _open(self, address: str) -> list[str]:
        """Open an address, and its socket if it is a page; return the addresses in it."""
        answer = self._client.get(address, follow_redirects=True)
        self.answers[address] = answer.status_code
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if page := kind == "text/html" and _CLIENT.search(answer.text):
            self._listen(page[1])
        if kind not in {"text/html", "text/css"}:
            return []
        found = {urldefrag(unescape(link)).url for link in _ADDRESS.findall(answer.text)}
        return sorted(link for link in found if not _NOT_OPENED.search(link))

    def _listen(self, client: str) -> None:
        """Connect the socket of a page as NiceGUI's script does, until the page has been delivered."""
        query = {"EIO": "4", "transport": "websocket", "implicit_handshake": "true", "client_id": client}
        query |= {"next_message_id": "0", "tab_id": str(uuid4()), "document_id": str(uuid4())}
        path = f"{self.address.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{urlencode(query)}"
        cookies = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())
        with connect(path, origin=Origin(self.address), additional_headers={"Cookie": cookies}, proxy=None) as socket:
            socket.recv(timeout=30)
            socket.send("40")
            assert str(socket.recv(timeout=30)).startswith("40"), "the page's socket was refused"
            socket.send('428["handshake",{}]')
            while not str(socket.recv(timeout=30)).startswith("438"):
                pass

    def report(self, token: str) -> None:
        """Report usage in each format, as gateways do."""
        given = {"Authorization": f"Bearer {token}"}
        event = {"id": "record-1", "model": "llama3.2:3b", "prompt_tokens": 1200, "completion_tokens": 300}
        for kind, body in (
            ("usage", {**event, "username": "local"}),
            ("authorize", {"username": "local", "estimated_tokens": 10}),
            ("otlp/v1/traces", {"resourceSpans": []}),
            ("otlp/v1/logs", {"resourceLogs": []}),
        ):
            answer = httpx.post(f"{self.address}/api/v1/{kind}", headers=given, json=body, timeout=60)
            self.answers[f"/api/v1/{kind}"] = answer.status_code
        protobuf = given | {"Content-Type": "application/x-protobuf"}
        answer = httpx.post(f"{self.address}/api/v1/otlp/v1/traces", headers=protobuf, content=b"", timeout=60)
        self.answers["/api/v1/otlp/v1/traces, protobuf"] = answer.status_code

    def failures(self) -> dict[str, int]:
        """Return the answers that are errors of the program, and the files that it names and does not have.

        Other addresses may be those of forms, which have nothing to open.
        """
        lost = {address for address, status in self.answers.items() if status == 404 and _FILE.match(address)}
        return {address: status for address, status in self.answers.items() if status >= 500 or address in lost}

    def __str__(self) -> str:
        """Return the answers as JSON."""
        return json.dumps(self.answers, indent=1)
