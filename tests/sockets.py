"""What NiceGUI's script says on its websocket, spoken by a test: engine.io 4, socket.io 5."""

import json
import re
from typing import Any, Protocol
from urllib.parse import urlencode
from uuid import uuid4

from starlette.testclient import TestClient, WebSocketTestSession

from tests.portals import HERE


class Socket(Protocol):
    """A websocket that sends and receives text."""

    def send_text(self, text: str) -> None:
        """Send a message."""

    def receive_text(self) -> str:
        """Wait for a message."""


def client_id(page: str) -> str:
    """Return the id of a page from its HTML."""
    match = re.search(r"'client_id': '([0-9a-f-]{36})'", page)
    assert match is not None, page[:500]
    return match[1]


def handshake(page_id: str, **changes: str) -> dict[str, str]:
    """Return what the script says about the page it runs on."""
    return {
        "client_id": page_id,
        "next_message_id": "0",
        "tab_id": str(uuid4()),
        "document_id": str(uuid4()),
        **changes,
    }


def socket_path(page_id: str, *, transport: str = "websocket", implicit: bool = True, **changes: str) -> str:
    """Return the address of a page's socket, with the handshake in its query unless `implicit` is false."""
    query = {
        "EIO": "4",
        "transport": transport,
        "implicit_handshake": str(implicit).lower(),
        **handshake(page_id, **changes),
    }
    return f"/_nicegui_ws/socket.io/?{urlencode(query)}"


def connect(socket: Socket) -> bool:
    """Open the conversation; say whether it was accepted."""
    assert socket.receive_text().startswith("0")
    socket.send_text("40")
    answer = socket.receive_text()
    if answer.startswith("44"):
        assert json.loads(answer[2:]) == {"message": "Implicit handshake failed"}
        return False
    assert answer.startswith("40")
    return True


def emit(socket: Socket, event: str, data: Any) -> None:
    """Send an event."""
    socket.send_text("42" + json.dumps([event, data]))


def ask(socket: Socket, event: str, data: Any) -> Any:
    """Send an event and return what it is answered."""
    socket.send_text("427" + json.dumps([event, data]))
    while not (text := socket.receive_text()).startswith("437"):
        pass
    return json.loads(text[3:])[0]


def heard(socket: Socket) -> list[tuple[str, Any]]:
    """Return the events that came before the server's next word, which is asked for here: name and data."""
    socket.send_text('428["handshake",{}]')
    texts: list[str] = []
    while not (text := socket.receive_text()).startswith("438"):
        texts.append(text)
    return [(name, data) for name, data in (json.loads(text[2:]) for text in texts if text.startswith("42"))]


def receive(socket: Socket, event: str) -> Any:
    """Wait for an event and return its data; the socket must give up by itself some day."""
    while True:
        text = socket.receive_text()
        if text == "2":
            socket.send_text("3")
        elif text.startswith("42"):
            name, data = json.loads(text[2:])
            if name == event:
                return data


class Visitor:
    """A browser with its own cookies."""

    def __init__(self, browser: TestClient, token: str | None) -> None:
        self.browser = browser
        self.cookies = {"portal_session": token} if token else {}
        self.page_id = ""

    def _headers(self) -> dict[str, str]:
        self.browser.cookies.clear()  # it would be shared by all visitors
        return {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Origin": HERE,
            "Upgrade": "websocket",
        }

    def open(self, path: str) -> str:
        """Open a page; return its id."""
        answer = self.browser.get(path, headers=self._headers())
        assert answer.status_code == 200
        self.cookies.update(answer.cookies)
        self.page_id = client_id(answer.text)
        return self.page_id

    def socket(self, page_id: str = "", **handshake: str | bool) -> WebSocketTestSession:
        """Return a socket for a page, by default the visitor's own one."""
        path = socket_path(page_id or self.page_id, **handshake)  # type: ignore[arg-type]  # passed on as it came
        return self.browser.websocket_connect(f"ws://127.0.0.1:8080{path}", headers=self._headers())

    def knocks(self, page_id: str = "", **handshake: str | bool) -> bool:
        """Return whether the page's socket accepts this visitor."""
        with self.socket(page_id, **handshake) as socket:
            return connect(socket)
