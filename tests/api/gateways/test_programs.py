"""Programs of the desktop program's person report without a key and without a name; on a server they may not."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.actions.metering.gateways import connect_program
from portal.actions.people.keys import NewKey
from portal.db.metering.held import held_events
from portal.db.metering.uncounted import rejected_reasons
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.rules.metering.programs import Program
from portal.settings import settings
from tests.api.conftest import As, Client, event, everything
from tests.cast import NOW, Gateway, acting, run
from tests.desktops import use_desktop
from tests.gateways.test_continue_dev import TOKENS
from tests.gateways.test_continue_dev import event as continue_event

CHAT = {"id": "chat-1", "model": "qwen3:8b", "usage": {"prompt_tokens": 100, "completion_tokens": 20}}
Post = Callable[..., Any]


@pytest.fixture
def program(db: object, admin: Account) -> Gateway:
    """A program of the desktop's person; the portal is the desktop program."""
    use_desktop()
    made = run(connect_program, acting(admin), Program.CURL, NOW)
    return Gateway(made.id, made.name, made.token or "")


@pytest.fixture
def post(client: Client, program: Gateway) -> Post:
    """Give a function that sends something with the program's token: `post("/api/v1/usage", [event()])`."""

    def send(path: str, body: Any, token: str = program.token) -> Any:
        content = body if isinstance(body, bytes) else json.dumps(body)
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return client.post(path, content=content, headers=headers)

    return send


def used(as_: As, account: Account) -> int:
    tokens: int = as_(account).get("/user/api/budget").json()["total_used"]
    return tokens


REPORTS = [
    pytest.param("/api/v1/usage", [event(username=...)], id="native"),
    pytest.param("/api/v1/usage/openai", CHAT, id="an answer"),
    pytest.param(
        "/api/v1/usage/continue", continue_event(TOKENS | {"promptTokens": 100, "generatedTokens": 20}), id="Continue"
    ),
]


@pytest.mark.parametrize(("path", "body"), REPORTS)
def test_usage_without_a_key_counts_for_the_person(
    admin: Account, alice: Account, as_: As, post: Post, path: str, body: Any
) -> None:
    for _ in range(2):
        assert post(path, body).status_code == 200
    assert (used(as_, admin), used(as_, alice), run(held_events)) == (120, 0, [])
    [item] = as_(admin).get("/user/api/usage").json()["items"]
    assert item["mode"] == ("native" if path == "/api/v1/usage" else "curl")


def test_known_key_counts_for_its_holder(
    admin: Account, alice: Account, alices_key: NewKey, as_: As, post: Post
) -> None:
    events = [event("r-1", username=..., api_key="sk-other"), event("r-2", username=..., api_key=alices_key.secret)]
    assert post("/api/v1/usage", events).json()["accepted"] == 2
    assert (used(as_, admin), used(as_, alice)) == (120, 120)


@pytest.mark.parametrize(("path", "body"), REPORTS)
def test_same_gateway_on_a_server_counts_nothing_for_nobody(
    admin: Account, as_: As, post: Post, path: str, body: Any
) -> None:
    settings.cache_clear()  # the database was moved to a server
    answer = post(path, body)
    assert answer.status_code == 401 if path.endswith("openai") else answer.json()["rejected"] == 1
    assert (
        post("/api/v1/usage", [event(username=..., api_key="sk-other")]).json()["results"][0]["result"]
        == "unattributed"
    )
    assert used(as_, admin) == 0


def test_refused_bodies_are_shown_with_their_reason(program: Gateway, post: Post) -> None:
    assert post("/api/v1/usage/openai", {"model": "qwen3:8b"}).status_code == 422
    assert post("/api/v1/usage/continue", b"{}").status_code == 422
    reasons = [row.reason for row in run(rejected_reasons, program.id)]
    assert len(reasons) == 2
    assert any("There is no usage in this answer." in reason for reason in reasons)


def test_event_of_continue_without_counts_is_ignored(db: Database, admin: Account, as_: As, post: Post) -> None:
    answer = post("/api/v1/usage/continue", continue_event({"prompt": "A secret question"}, "chatInteraction"))
    assert (answer.status_code, answer.json()["accepted"], answer.json()["results"]) == (200, 0, [])
    assert used(as_, admin) == 0
    assert "A secret" not in str(everything(db))


def test_continue_counts_for_the_holder_of_a_key_on_a_server(
    alice: Account, alices_key: NewKey, as_: As, client: Client
) -> None:
    headers = {"Authorization": f"Bearer {alices_key.secret}", "Content-Type": "application/json"}
    answer = client.post("/api/v1/usage/continue", content=continue_event(TOKENS), headers=headers)
    assert (answer.status_code, used(as_, alice)) == (200, 1248)
