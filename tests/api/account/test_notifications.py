"""A person's channels and topics as JSON."""

from typing import Any

import pytest

from portal.db.outbox import messages_of
from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.api.conftest import As, Client, everything
from tests.cast import run

PATH = "/user/api/notifications"
HOOK = "https://hooks.example.org/services/secret"


def hosts(client: Client) -> dict[str, str | None]:
    return {channel["channel"]: channel["host"] for channel in client.get(PATH).json()["channels"]}


def test_people_see_their_topics_and_administrators_more(alice: Account, admin: Account, as_: As) -> None:
    topics = [each["topic"] for each in as_(alice).get(PATH).json()["topics"]]
    assert topics == ["alert", "budget_request"]
    assert {"verification", "held"} < {each["topic"] for each in as_(admin).get(PATH).json()["topics"]}


def test_webhook_is_set_tested_and_removed(alice: Account, bob: Account, as_: As) -> None:
    client = as_(alice)
    assert client.put(f"{PATH}/webhook", json={"url": HOOK}).json()["secret"].startswith("moe-wh-")
    assert hosts(client)["webhook"] == "hooks.example.org"
    assert HOOK not in client.get(PATH).text
    assert hosts(as_(bob))["webhook"] is None
    assert client.post(f"{PATH}/webhook/test").status_code == 204
    assert [message.kind for message in run(messages_of, alice.id, 5)] == ["test"]
    assert client.get(PATH).json()["channels"][1]["test"]["state"] == "queued"
    assert client.delete(f"{PATH}/webhook").status_code == 204
    assert hosts(client)["webhook"] is None
    assert client.post(f"{PATH}/webhook/test").status_code == 409


def test_chat_is_checked_before_it_is_stored(alice: Account, as_: As) -> None:
    client = as_(alice)
    assert client.put(f"{PATH}/chat", json={"url": "ntfys://topic"}).status_code == 204
    assert hosts(client)["chat"] == "ntfys://…"
    assert client.put(f"{PATH}/chat", json={"url": "file:///etc/passwd"}).status_code == 422


def test_topics_are_switched_for_each_channel(alice: Account, bob: Account, as_: As) -> None:
    off = {"choices": [{"topic": "alert", "channel": "webhook", "on": False}]}
    answer = as_(alice).put(PATH, json=off).json()
    assert answer["topics"][0] == {"topic": "alert", "channels": {"webhook": False, "chat": True}}
    assert as_(alice).get(PATH).json() == answer
    assert as_(bob).get(PATH).json()["topics"][0]["channels"]["webhook"] is True


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"choices": []}),
        ("", {"choices": [{"topic": "held", "channel": "mail", "on": False}]}),
        ("", {"choices": [{"topic": "alert", "channel": "mail", "on": True}]}),
        ("", {"choices": [{"topic": "nothing", "channel": "mail", "on": True}]}),
        ("/webhook", {"url": "http://10.0.0.1/"}),
        ("/webhook", {"url": "https://localhost/"}),
        ("/webhook", {"url": ""}),
    ],
)
def test_wrong_input_changes_nothing(path: str, body: dict[str, Any], alice: Account, as_: As, db: Database) -> None:
    client, before = as_(alice), everything(db)
    assert client.put(PATH + path, json=body).status_code == 422
    assert everything(db) == before
