"""`examples/python`, as a script of Alice's that talks to a real socket."""

import importlib.util
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any
from urllib.error import HTTPError

import pytest
from fastapi import FastAPI

from portal.actions.keys import NewKey
from portal.api import errors, router
from portal.clock import utc_now
from portal.db.session import Database
from portal.db.tables import Account
from portal.views.summary import load_summary
from tests.cast import run
from tests.servers import listening

EXAMPLE = Path(__file__).parents[2] / "examples" / "python" / "portal_usage.py"
CHAT = {
    "id": "chatcmpl-1",
    "model": "gpt-5-mini",
    "choices": [{"message": {"content": "A secret"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
}


@pytest.fixture
def portal(db: Database) -> Iterator[str]:
    """The API on a socket, and its address."""
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    errors.install(app)
    with listening(app) as address:
        yield address


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, alices_key: NewKey) -> ModuleType:
    """The example, with Alice's key, and without its pauses."""
    spec = importlib.util.spec_from_file_location("portal_usage", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PORTAL_API_KEY", alices_key.secret)
    monkeypatch.setattr(module.time, "sleep", lambda _: None)
    return module


class Answer:
    """What a library returns: a model that can be dumped."""

    def model_dump(self, mode: str) -> dict[str, Any]:
        return CHAT | {"mode": mode}


def test_a_script_reports_what_it_used(
    alice: Account, portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    assert example.report(Answer())["result"] == "accepted"
    assert example.report(CHAT)["result"] == "duplicate"
    assert run(load_summary, alice.id, utc_now()).total.tokens == 120


def test_a_key_that_is_refused_is_told_to_the_script(
    portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setenv("PORTAL_API_KEY", "moe-sk-" + "0" * 48)
    with pytest.raises(HTTPError, match="401"):
        example.report(CHAT)


class Busy(BaseHTTPRequestHandler):
    """A portal that is busy twice."""

    heard: list[tuple[str | None, Any]] = []  # noqa: RUF012  # emptied by the test

    def do_POST(self) -> None:  # the library's name
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.heard.append((self.headers["Idempotency-Key"], body))
        said = b'{"result": "accepted"}'
        self.send_response(503 if len(self.heard) < 3 else 200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_trouble_that_passes_is_sat_out_with_the_same_report(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    Busy.heard.clear()
    with HTTPServer(("127.0.0.1", 0), Busy) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        monkeypatch.setenv("PORTAL_URL", f"http://127.0.0.1:{server.server_port}/")
        assert example.report(CHAT) == {"result": "accepted"}
        server.shutdown()
        thread.join(5)
    assert len(Busy.heard) == 3
    assert len({key for key, _ in Busy.heard}) == 1
    assert "secret" not in str(Busy.heard)
