"""People get the notifications that they have chosen, on the channels they have set up."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from portal.actions.notifications import (
    choose,
    clean_chat,
    remove_channel,
    send_test,
    set_chat,
    set_webhook,
)
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.db.notifications import choices_of, targets_of
from portal.db.outbox import messages_of
from portal.db.tables import Account, OutboxMessage
from portal.errors import Conflict, InvalidInput
from portal.rules.notifications import Channel, Topic
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, report, run, send

HOOK = "https://hooks.example.org/services/secret"


@pytest.fixture
def mail_is_set_up(db: object, settings_env: Callable[..., None]) -> None:
    settings_env(base_url="https://portal.example.org", smtp_host="localhost", smtp_from="portal@example.org")


def cross(account: Account, gateway: Gateway) -> None:
    """Use up the daily budget of an account."""
    run(set_budget, OPERATOR, account.id, Limits(daily=100), NOW)
    send(gateway, report("a", prompt_tokens=100, completion_tokens=0))


def queued(account: Account) -> list[tuple[str, str, str, str]]:
    return sorted((m.channel, m.kind, m.recipient, m.state) for m in run(messages_of, account.id, 10))


def test_crossing_goes_to_every_channel(mail_is_set_up: None, alice: Account, bob: Account, gateway: Gateway) -> None:
    run(set_webhook, acting(alice), HOOK, NOW)
    run(set_chat, acting(alice), "ntfys://topic", NOW)
    run(change_alerts, acting(alice), True, 80, None, NOW)
    cross(alice, gateway)
    assert queued(alice) == [
        ("chat", "alert", "ntfys://…", "queued"),
        ("mail", "alert", "alice@example.org", "queued"),
        ("webhook", "alert", "hooks.example.org", "queued"),
    ]
    assert queued(bob) == []
    texts = run(lambda s: {m.channel: m.text for m in s.query(OutboxMessage)})
    values = json.loads(texts["webhook"])
    assert values["title"] == "Daily budget 100 % used"
    assert values["link"] == "https://portal.example.org/user/billing"
    expected = {"period": "daily", "start": "2026-11-22", "kind": "threshold", "threshold": 100}
    assert values["values"] == expected | {"consumed": 100, "limit": 100}
    assert texts["chat"].splitlines()[0].startswith("Your daily budget")
    assert HOOK not in str(texts)


def test_topic_can_be_switched_off_for_one_channel(mail_is_set_up: None, alice: Account, gateway: Gateway) -> None:
    run(set_webhook, acting(alice), HOOK, NOW)
    run(set_chat, acting(alice), "ntfys://topic", NOW)
    run(choose, acting(alice), {(Topic.ALERT, Channel.WEBHOOK): False}, NOW)
    cross(alice, gateway)
    assert [each[0] for each in queued(alice)] == ["chat"]
    run(choose, acting(alice), {(Topic.ALERT, Channel.WEBHOOK): True}, NOW)
    assert run(choices_of, alice.id)[Topic.ALERT, Channel.WEBHOOK]


def test_people_have_no_topics_of_administrators(db: object, alice: Account, admin: Account) -> None:
    chosen = {(Topic.HELD, Channel.MAIL): False}
    with pytest.raises(InvalidInput):
        run(choose, acting(alice), chosen, NOW)
    run(choose, acting(admin), chosen, NOW)
    assert not run(choices_of, admin.id)[Topic.HELD, Channel.MAIL]
    assert run(choices_of, alice.id)[Topic.HELD, Channel.MAIL]


def test_alerts_by_mail_are_switched_on_billing(db: object, alice: Account) -> None:
    with pytest.raises(InvalidInput, match="Billing"):
        run(choose, acting(alice), {(Topic.ALERT, Channel.MAIL): True}, NOW)


def test_new_address_has_a_new_secret(db: object, alice: Account, bob: Account) -> None:
    first = run(set_webhook, acting(alice), HOOK, NOW)
    second = run(set_webhook, acting(alice), HOOK, NOW)
    assert first != second
    assert run(targets_of, alice.id)[Channel.WEBHOOK].secret == second
    assert run(targets_of, bob.id) == {}
    run(remove_channel, acting(alice), Channel.WEBHOOK, NOW)
    assert run(targets_of, alice.id) == {}


def test_audit_log_has_hosts_and_no_addresses(db: object, alice: Account) -> None:
    secret = run(set_webhook, acting(alice), HOOK, NOW)
    run(set_chat, acting(alice), "slack://xoxb-secret/#general", NOW)
    entries = str(audit_log())
    assert "hooks.example.org" in entries
    assert "services/secret" not in entries
    assert "xoxb" not in entries
    assert secret not in entries


def test_test_needs_an_address(db: object, alice: Account) -> None:
    with pytest.raises(Conflict, match="no address"):
        run(send_test, acting(alice), Channel.CHAT, NOW)


@pytest.mark.parametrize("url", ["http://hooks.example.org/", "https://127.0.0.1/", "https://10.0.0.1/"])
def test_private_webhook_is_refused(url: str, db: object, alice: Account) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(set_webhook, acting(alice), url, NOW)
    assert caught.value.field == "webhook_url"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("json://127.0.0.1/", id="a service that is not allowed"),
        pytest.param("file:///etc/passwd", id="a file"),
        pytest.param("ntfy://ntfy.example.org/topic", id="not encrypted"),
        pytest.param("workflows://h.example.org:443/wf/sig?template=/etc/passwd", id="an argument that reads a file"),
        pytest.param("ntfys://topic?attach=file:///etc/passwd", id="an attachment"),
        pytest.param("ntfys://topic?verify=no", id="no check of certificates"),
        pytest.param("", id="nothing"),
    ],
)
def test_chat_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        clean_chat(url)
    assert caught.value.field == "chat_url"


@pytest.mark.parametrize(
    "url",
    [
        "ntfys://topic",
        "https://ntfy.sh/topic",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "matrixs://user:password@matrix.example.org/#room",
        "https://prod-1.westeurope.logic.azure.com:443/workflows/abcdef/triggers/manual/paths/invoke"
        "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=abcd",
    ],
)
def test_chat_address_is_accepted(url: str, settings_env: Any) -> None:
    assert clean_chat(f" {url}") == url
