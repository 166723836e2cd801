"""`examples/python`, as a script of Alice's that talks to a real socket."""

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

from portal.actions.keys import NewKey
from portal.api import errors, router
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.views.summary import load_summary
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
    """The API on a socket, and its address."""
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    errors.install(app)
    with listening(app) as address:
        yield address


def warning(example: ModuleType, response: dict[str, Any]) -> str:
    """Report what cannot be reported; return the warning, which is all that happens."""
    with pytest.warns(UserWarning, match=r"\bSet PORTAL_|is not reported\.") as caught:
        assert example.report(response) == {}
    (said,) = caught
    assert said.filename == __file__, "it points at the script, not at the helper"
    return str(said.message)


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch, alices_key: NewKey) -> ModuleType:
    """The example, with Alice's key; its pauses are noted in `waited`, and take no time."""
    spec = importlib.util.spec_from_file_location("portal_usage", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setenv("PORTAL_API_KEY", alices_key.secret)
    module.waited = []  # type: ignore[attr-defined]  # beside what the example has
    monkeypatch.setattr(module, "sleep", module.waited.append)
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


def test_portal_that_is_busy_is_asked_again_when_it_says(
    alice: Account, portal: str, example: ModuleType, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database is written by another until the script has waited twice; what it reports counts once."""
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


def test_script_gives_up_on_a_portal_that_stays_busy_and_goes_on(
    portal: str, example: ModuleType, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setattr("portal.db.sql.session.BUSY_SECONDS", 0)
    with db.transaction() as session:
        session.connection()
        said = warning(example, CHAT)
    assert said.startswith("What gpt-5-mini used is not reported. MoE Portal answered 503: The portal cannot do this")
    assert example.waited == [RETRY_AFTER] * len(example.PAUSES)


def test_key_that_is_refused_is_named_with_the_place_of_a_new_one(
    portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    monkeypatch.setenv("PORTAL_API_KEY", "moe-sk-" + "0" * 48)
    said = warning(example, CHAT)
    assert "the key moe-sk-000000000… in PORTAL_API_KEY" in said
    assert f"Create another at {portal}/user/keys." in said
    assert example.waited == []


def test_answer_without_usage_is_told_in_the_words_of_the_portal(
    portal: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", portal)
    assert "MoE Portal answered 422: " in warning(example, {"model": "m", "usage": {"prompt_tokens": -1}})


def test_portal_that_cannot_be_reached_is_named_after_half_a_minute(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", "http://127.0.0.1:1/")
    assert "MoE Portal cannot be reached at http://127.0.0.1:1: [Errno 111] Connection refused." in warning(
        example, CHAT
    )
    assert sum(example.waited) == 30


def test_another_server_at_the_address_is_named(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_setting_that_is_missing_is_named(
    name: str, value: str, example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORTAL_URL", "http://127.0.0.1:1")
    monkeypatch.setenv(name, value)
    assert f"Set {name}: it begins with" in warning(example, CHAT)


def test_longest_wait_is_bounded_whatever_a_server_asks_for(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = PlainTextResponse("", 503, {"Retry-After": "86400"})
    with listening(busy) as address:
        monkeypatch.setenv("PORTAL_URL", address)
        assert "MoE Portal answered 503" in warning(example, CHAT)
    assert set(example.waited) == {example.LONGEST_PAUSE}


def test_prompts_and_answers_stay_with_the_script(example: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[bytes] = []

    async def listen(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append(await Request(scope, receive).body())
        await PlainTextResponse("{}")(scope, receive, send)

    with listening(listen) as address:
        monkeypatch.setenv("PORTAL_URL", address)
        example.report(CHAT)
    assert json.loads(heard[0]) == {name: CHAT[name] for name in ("id", "model", "usage")}
