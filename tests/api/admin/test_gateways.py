"""Gateways as JSON: the list, one gateway, and its tokens."""

from portal.db.tables import Account
from tests.api.conftest import As
from tests.cast import Gateway, audit_log, report, send

GATEWAYS = "/admin/api/gateways"


def test_the_list_has_each_gateway_with_its_pace(alice: Account, admin: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report())
    answer = as_(admin).get(GATEWAYS).json()
    assert (answer["total"], answer["next_cursor"]) == (1, None)
    (item,) = answer["items"]
    made, token_at, _ = (item.pop(name) for name in ("created_at", "newest_token_at", "reported_at"))
    assert made == token_at
    pace = {"events_per_minute": "0.1", "lag_seconds": item["lag_seconds"]}
    assert item == {"id": gateway.id, "name": "moe-1", "mode": "native", "tokens": 1, "rejected": 0} | pace
    details = as_(admin).get(f"{GATEWAYS}/{gateway.id}").json()
    assert (details["state"], details["conflicts"], details["rejected"]) == ("connected", 0, [])
    assert [token["revoked_at"] for token in details["tokens"]] == [None]


def test_tokens_are_replaced_one_by_one(admin: Account, as_: As) -> None:
    client = as_(admin)
    created = client.post(GATEWAYS, json={"name": "moe-9", "mode": "batch"})
    assert created.status_code == 201
    first = created.json()
    path = f"{GATEWAYS}/{first['id']}"
    second = client.post(f"{path}/tokens").json()
    assert second["token"].startswith(second["prefix"])
    assert second["token"] != first["token"]
    assert client.post(f"{path}/revoke", json={"prefix": first["prefix"]}).json() == {"revoked": 1}
    assert [bool(token["revoked_at"]) for token in client.get(path).json()["tokens"]] == [True, False]
    assert client.post(f"{path}/revoke", json={}).json() == {"revoked": 1}
    actions = [action for _, action, _ in audit_log() if action.startswith("gateway.")]
    assert sorted(actions) == ["gateway.create", "gateway.revoke", "gateway.revoke", "gateway.token", "gateway.token"]


def test_a_taken_name_and_an_unknown_gateway_are_refused(admin: Account, gateway: Gateway, as_: As) -> None:
    client = as_(admin)
    assert client.post(GATEWAYS, json={"name": "moe-1"}).status_code == 409
    assert client.get(f"{GATEWAYS}/999").status_code == 404
    assert client.post(f"{GATEWAYS}/999/tokens").status_code == 404
