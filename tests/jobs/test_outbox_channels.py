"""Webhooks and chat services get what the outbox has for them, signed, and nobody else does."""

import hmac
import json
import logging
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from portal.actions.notifications import Notification, notify_administrators, remove_channel, send_test, set_webhook
from portal.actions.outbox import claim_messages
from portal.clock import utc_now
from portal.db.notifications import Target, set_target
from portal.db.outbox import Delivery, messages_of
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account, OutboxMessage
from portal.jobs.outbox import deliver
from portal.mails.operations import held_letter
from portal.rules.notifications import Channel, Topic
from tests.cast import NOW, acting, run
from tests.receiver import Receiver, Request


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    yield server
    server.stop()


@pytest.fixture
def private(settings_env: Callable[..., None], db: object) -> None:
    """Addresses of this machine are allowed."""
    settings_env(notify_private_addresses="true", notify_chat_services="json,jsons", notify_timeout=10)


@pytest.fixture
def clock(db: object) -> Iterator[Any]:
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


async def send() -> None:
    for due in claim_messages(100, utc_now()):
        await deliver(due)


def last(account: Account) -> Delivery:
    return run_in_reading(messages_of, account.id, 1)[0]


def point(account: Account, channel: Channel, url: str) -> None:
    """Set an address without a check."""
    run(set_target, account.id, channel, Target(url, "moe-wh-secret"), NOW)


def is_signed(request: Request, secret: str) -> bool:
    """Return whether a request is signed with a secret, as docs/notifications.md shows it."""
    text = request.headers["X-MoE-Portal-Timestamp"].encode() + b"." + request.body
    expected = "sha256=" + hmac.new(secret.encode(), text, sha256).hexdigest()
    return hmac.compare_digest(expected, request.headers["X-MoE-Portal-Signature"])


async def test_webhook_is_signed_and_tried_again(
    private: None, receiver: Receiver, clock: Any, alice: Account, caplog: Any
) -> None:
    caplog.set_level(logging.INFO, "portal")
    secret = run(set_webhook, acting(alice), f"{receiver.url}/hook?key=hidden", NOW)
    run(send_test, acting(alice), Channel.WEBHOOK, NOW)
    receiver.answers = [500]
    await send()
    assert (last(alice).state, last(alice).error) == ("queued", "The webhook answers 500.")
    clock.shift(timedelta(minutes=1))
    await send()
    assert (last(alice).state, last(alice).tries, last(alice).recipient) == ("sent", 2, "127.0.0.1")
    first, second = receiver.requests
    assert is_signed(first, secret)
    assert is_signed(second, secret)
    assert not is_signed(second._replace(body=second.body + b" "), secret)
    assert first.headers["X-MoE-Portal-Id"] == second.headers["X-MoE-Portal-Id"]
    assert int(second.headers["X-MoE-Portal-Timestamp"]) - int(first.headers["X-MoE-Portal-Timestamp"]) == 60
    assert first.path == "/hook?key=hidden"
    assert json.loads(first.body) == {
        "topic": "test",
        "at": NOW.isoformat(),
        "username": "alice",
        "title": "Test from MoE Portal",
        "text": "This proves that notifications of MoE Portal arrive here.",
        "link": None,
        "values": {},
    }
    row = run(lambda session: session.get(OutboxMessage, last(alice).id))
    assert row is not None
    assert row.text == ""
    assert "hidden" not in caplog.text
    assert secret not in caplog.text


@pytest.mark.parametrize(
    ("status", "state", "requests"),
    [
        pytest.param(302, "queued", 1, id="a redirect is not followed"),
        pytest.param(404, "queued", 1, id="not found may be corrected"),
        pytest.param(410, "failed", 1, id="gone is final"),
    ],
)
async def test_answers_of_a_webhook(
    status: int, state: str, requests: int, private: None, receiver: Receiver, clock: Any, alice: Account
) -> None:
    run(set_webhook, acting(alice), receiver.url, NOW)
    run(send_test, acting(alice), Channel.WEBHOOK, NOW)
    receiver.answers = [status]
    await send()
    assert (last(alice).state, last(alice).error) == (state, f"The webhook answers {status}.")
    assert len(receiver.requests) == requests


async def test_slow_webhook_delays_nobody_for_long(
    private: None, receiver: Receiver, clock: Any, alice: Account, settings_env: Any
) -> None:
    settings_env(notify_timeout=1)
    run(set_webhook, acting(alice), receiver.url, NOW)
    run(send_test, acting(alice), Channel.WEBHOOK, NOW)
    receiver.hangs.clear()
    await send()
    assert (last(alice).state, last(alice).error) == ("queued", "It has not answered in time.")


@pytest.mark.parametrize(
    ("channel", "url"),
    [
        pytest.param(Channel.WEBHOOK, "http://127.0.0.1:{port}/", id="an address"),
        pytest.param(Channel.WEBHOOK, "http://localhost:{port}/", id="a name that leads to it"),
        pytest.param(Channel.CHAT, "jsons://localhost:{port}/", id="chat"),
    ],
)
async def test_private_address_is_never_called(
    channel: Channel, url: str, db: object, receiver: Receiver, clock: Any, alice: Account, settings_env: Any
) -> None:
    settings_env(notify_chat_services="json,jsons")
    point(alice, channel, url.format(port=receiver.port))
    run(send_test, acting(alice), channel, NOW)
    await send()
    sentence = "The address leads to this machine or to a private network, which is not allowed."
    assert (last(alice).state, last(alice).error) == ("failed", sentence)
    assert receiver.requests == []


async def test_chat_gets_title_text_and_link(
    private: None, receiver: Receiver, clock: Any, alice: Account, settings_env: Any
) -> None:
    settings_env(base_url="https://portal.example.org")
    point(alice, Channel.CHAT, f"json://127.0.0.1:{receiver.port}/room")
    run(send_test, acting(alice), Channel.CHAT, NOW)
    receiver.answers = [200]
    await send()
    (request,) = receiver.requests
    body = json.loads(request.body)
    assert (request.path, last(alice).state, body["title"]) == ("/room", "sent", "Test from MoE Portal")
    assert body["message"].splitlines()[-1] == "https://portal.example.org/user/profile"


async def test_removed_address_gets_nothing(private: None, receiver: Receiver, clock: Any, alice: Account) -> None:
    run(set_webhook, acting(alice), receiver.url, NOW)
    run(send_test, acting(alice), Channel.WEBHOOK, NOW)
    (due,) = claim_messages(1, utc_now())
    run(remove_channel, acting(alice), Channel.WEBHOOK, NOW)
    await deliver(due)
    assert receiver.requests == []
    assert (last(alice).state, last(alice).error) == ("failed", "The address was removed or replaced.")


async def test_installation_has_a_webhook_of_its_own(
    receiver: Receiver, clock: Any, alice: Account, settings_env: Any
) -> None:
    secret = "sixteen characters"
    settings_env(notify_webhook_url=f"{receiver.url}/ops", notify_webhook_secret=secret)
    note = Notification(Topic.HELD, held_letter(2, ""), {"count": 2})
    run(notify_administrators, lambda _: note, NOW)
    await send()
    (request,) = receiver.requests
    assert is_signed(request, secret)
    values = json.loads(request.body)
    assert (values["topic"], values["username"], values["values"]) == ("held", None, {"count": 2})
