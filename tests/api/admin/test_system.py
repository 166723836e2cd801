"""The state of the portal as JSON, a verification, messages sent again, and admin tokens."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from portal.actions.metering.verification import begin_verification
from portal.clock import utc_now
from portal.db.outbox import NewMessage, add_message
from portal.db.tables import Account, UsageCounter
from portal.rules.outbox import Kind
from tests.api.conftest import As
from tests.cast import NOW, Gateway, acting, audit_log, report, run, send

SYSTEM = "/admin/api/system"


def test_system_has_version_database_gateways_and_jobs(admin: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report("a", username="root"))
    found = as_(admin).get(SYSTEM).json()
    assert found["database"]["kind"] in {"sqlite", "postgresql"}
    assert found["database"]["bytes"] > 0
    assert found["database"]["revision"] == found["database"]["newest"]
    assert found["verification"] is found["backup"] is found["verifying_since"] is None
    assert found["mails"] == {"is_set_up": False, "queued": 0, "waits_since": None, "failed": 0}
    assert [job["job"] for job in found["jobs"]] == ["verification", "forecasts", "backups", "retention"]
    assert found["channels"] == [{"channel": "webhook", "host": None}, {"channel": "chat", "host": None}]
    assert [each["name"] for each in found["gateways"]] == [gateway.name]
    assert found["sessions"] == 1


def test_verification_runs_now_and_names_each_difference(
    admin: Account, alice: Account, gateway: Gateway, as_: As
) -> None:
    send(gateway, report("a"))
    assert as_(admin).post(f"{SYSTEM}/verify").status_code == 202
    assert as_(admin).get(SYSTEM).json()["verification"]["differences"] == 0
    wrong = update(UsageCounter).where(UsageCounter.account_id == alice.id, UsageCounter.period == "daily")
    run(lambda session: session.execute(wrong.values(tokens=1)))
    assert as_(admin).post(f"{SYSTEM}/verify").status_code == 202
    last = as_(admin).get(SYSTEM).json()["verification"]
    assert last["differences"] == len(last["faults"]) == 1
    assert "kept 1 token" in last["faults"][0]
    assert [entry[1] for entry in audit_log()[-2:]] == ["ledger.verify", "ledger.verify"]


def test_only_one_verification_runs(admin: Account, as_: As) -> None:
    run(begin_verification, acting(admin), utc_now())
    assert as_(admin).get(SYSTEM).json()["verifying_since"] is not None
    assert as_(admin).post(f"{SYSTEM}/verify").status_code == 409


@pytest.mark.parametrize("kind", [Kind.NOTICE, Kind.RESET, Kind.LINK, Kind.TEST])
def test_text_is_kept_only_of_messages_without_secrets(admin: Account, alice: Account, as_: As, kind: Kind) -> None:
    run(add_message, NewMessage(alice.id, kind, "a@example.org", "Subject", "text", "<p>"), utc_now())
    (mail,) = as_(admin).get(f"{SYSTEM}/mails").json()["items"]
    assert (mail["username"], mail["reason"], mail["can_repeat"]) == (
        "alice",
        "Mail is not set up.",
        kind is Kind.NOTICE,
    )
    answer = as_(admin).post(f"{SYSTEM}/mails/{mail['id']}/retry")
    assert (answer.status_code, "not set up" in answer.text) == (409, kind is Kind.NOTICE)


def test_token_is_created_shown_once_and_revoked(admin: Account, as_: As) -> None:
    tokens = f"{SYSTEM}/tokens"
    body = {"label": "reports", "scopes": ["usage:read"], "expires_at": (NOW + timedelta(days=9)).isoformat()}
    made = as_(admin).post(tokens, json=body)
    assert made.status_code == 201
    assert made.json()["secret"].startswith("moe-ad-")
    (listed,) = as_(admin).get(tokens).json()["items"]
    assert (listed["label"], listed["status"], "secret" in listed) == ("reports", "active", False)
    assert as_(admin).post(tokens, json=body | {"expires_at": "soon"}).status_code == 422
    assert as_(admin).delete(f"{tokens}/{listed['id']}").status_code == 204
    assert as_(admin).get(tokens).json()["items"][0]["status"] == "revoked"
