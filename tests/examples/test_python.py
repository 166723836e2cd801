"""`examples/python`: a script of Alice reports to a real socket."""

import importlib.util
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from portal.actions.people.keys import NewKey
from portal.api import api_router, errors
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.views.spending.summary import load_summary
from tests.cast import run
from tests.servers import listening

RETRY_AFTER = 5
"""Seconds that the portal names when it is busy."""
EXAMPLE = Path(__file__).parents[2] / "examples" / "python" / "portal_usage.py"
CHAT = {
    "id": "chatcmpl-1",
    "model": "gpt-5-mini",
    "choices": [{"message": {"content": "A secret"}}],
    "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
}


@pytest.fixture
def portal(db: Database) -> Iterator[str]:
    """Serve the API on a socket; return its address."""
    app = FastAPI(openapi_url=None)
    app.include_router(api_router())
    errors.install(app)
    with listening(app) as address:
        yield address


def warning(example: ModuleType, response: dict[str, Any]) -> str:
    """Report a response that cannot be reported; return the text of the warning."""
    with pytest.warns(UserWarning, match=r"\bSet PORTAL_|is not reported\.") as caught:
        assert example.report(response) == {}
    (raised,) = caught
    assert raised.filename == __file__, "the warning must point at the script, not at the module"
    return str(raised.message)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, alices_key: NewKey) -> ModuleType:
    """Return the example with Alice's key; its pauses are stored in `waited`, and take no time."""
    spec = importlib.util.spec_from_file_location("portal_usage", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PORTAL_API_KEY", alices_key.secret)
    module.waited = []  # type: ignore[attr-defined]  # the example has no such name
    monkeypatch.setattr(module, "sleep", module.waited.append)
    return module


class Answer:
    """A response of a library: a model with `model_dump`."""

    def model_dump(self, mode: str) -> dict[str, Any]:
        return CHAT | {"mode": mode}


def test_script_reports_its_usage_once(
    alice: Account, portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    assert example.report(Answer())["result"] == "accepted"
    assert example.report(CHAT)["result"] == "duplicate"
    assert run(load_summary, alice.id, utc_now()).total.tokens == 120


def test_busy_portal_is_asked_again_after_its_pause(
    alice: Account, portal: str, example: ModuleType, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another writer locks the database until the script has waited twice; its report counts once."""
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setattr("portal.db.sql.session.BUSY_SECONDS", 0)
    waited: list[int] = []
    with ExitStack() as writer:
        writer.enter_context(db.transaction()).connection()

        def wait(seconds: int) -> None:
            waited.append(seconds)
            if len(waited) == 2:
                writer.close()

        monkeypatch.setattr(example, "sleep", wait)
        assert example.report(CHAT)["result"] == "accepted"
    assert waited == [RETRY_AFTER, RETRY_AFTER]
    assert run(load_summary, alice.id, utc_now()).total.tokens == 120


def test_portal_that_stays_busy_gives_a_warning(
    portal: str, example: ModuleType, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setattr("portal.db.sql.session.BUSY_SECONDS", 0)
    with db.transaction() as session:
        session.connection()
        text = warning(example, CHAT)
    assert text.startswith(
        "The usage of gpt-5-mini is not reported. MoE Portal answered 503: The portal cannot do this"
    )
    assert example.waited == [RETRY_AFTER] * len(example.PAUSES)


def test_warning_names_a_refused_key_and_where_to_get_another(
    portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setenv("PORTAL_API_KEY", "moe-sk-" + "0" * 48)
    text = warning(example, CHAT)
    assert "the key moe-sk-000000000… in PORTAL_API_KEY" in text
    assert f"Create another at {portal}/user/keys." in text
    assert example.waited == []


def test_warning_about_invalid_usage_has_the_portals_reason(
    portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    assert "MoE Portal answered 422: " in warning(example, {"model": "m", "usage": {"prompt_tokens": -1}})


def test_unreachable_portal_gives_a_warning_after_half_a_minute(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", "http://127.0.0.1:1/")
    assert "MoE Portal cannot be reached at http://127.0.0.1:1: [Errno 111] Connection refused." in warning(
        example, CHAT
    )
    assert sum(example.waited) == 30


def test_other_server_at_the_address_gives_a_warning(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(PlainTextResponse("Welcome")) as address:
        monkeypatch.setenv("PORTAL_URL", address)
        assert f"{address} does not answer as MoE Portal does" in warning(example, CHAT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("PORTAL_URL", "", id="no address"),
        pytest.param("PORTAL_URL", "portal.example.org", id="an address without http"),
        pytest.param("PORTAL_API_KEY", "", id="no key"),
        pytest.param("PORTAL_API_KEY", "moe-sk-…", id="a key that was shortened"),
        pytest.param("PORTAL_API_KEY", "moe-gw-" + "0" * 48, id="the token of a gateway"),
    ],
)
def test_wrong_setting_gives_a_warning_with_its_name(
    name: str, value: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    assert f"Set {name}: it begins with" in warning(example, CHAT)


def test_long_pause_of_a_server_is_cut_to_the_longest(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = PlainTextResponse("", 503, {"Retry-After": "86400"})
    with listening(busy) as address:
        monkeypatch.setenv("PORTAL_URL", address)
        assert "MoE Portal answered 503" in warning(example, CHAT)
    assert set(example.waited) == {example.LONGEST_PAUSE}


def test_prompts_and_answers_are_not_sent(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    async def listen(scope: Scope, receive: Receive, send: Send) -> None:
        received.append(await Request(scope, receive).body())
        await PlainTextResponse("{}")(scope, receive, send)

    with listening(listen) as address:
        monkeypatch.setenv("PORTAL_URL", address)
        example.report(CHAT)
    assert json.loads(received[0]) == {name: CHAT[name] for name in ("id", "model", "usage")}
