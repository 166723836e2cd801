"""`portal gateway`."""

from portal.db.metering.gateways import gateway_with_token
from portal.db.sql.session import Database, run_in_reading
from portal.rules.people.secrets import GATEWAY_TOKEN, digest, is_secret
from tests.cast import Gateway
from tests.cli.terminal import fail, rows, succeed


def test_a_gateway_gets_tokens_and_loses_them(db: Database) -> None:
    first = succeed("gateway", "create", "moe-1", "--mode", "moe_reasoning").removesuffix("\n")
    second = succeed("gateway", "token", "moe-1").removesuffix("\n")
    assert is_secret(first, GATEWAY_TOKEN)
    assert is_secret(second, GATEWAY_TOKEN)
    succeed("gateway", "revoke", "moe-1", "--prefix", first[:16])
    listed = succeed("gateway", "list")
    assert [row[:4] for row in rows(listed)] == [
        ["moe-1", "moe_reasoning", first[:16], "revoked"],
        ["moe-1", "moe_reasoning", second[:16], "active"],
    ]
    assert second not in listed
    assert run_in_reading(gateway_with_token, digest(first)) is None
    assert run_in_reading(gateway_with_token, digest(second)) is not None
    assert "Revoked 1 token " in succeed("gateway", "revoke", "moe-1")
    assert run_in_reading(gateway_with_token, digest(second)) is None


def test_what_cannot_be_done_to_gateways_is_refused(gateway: Gateway) -> None:
    assert "already" in fail("gateway", "create", gateway.name)
    assert "no gateway called moe-2" in fail("gateway", "token", "moe-2")
    assert "no gateway called moe-2" in fail("gateway", "revoke", "moe-2")
    assert "no token moe-gw-" in fail("gateway", "revoke", gateway.name, "--prefix", "moe-gw-000000000")
    assert "must not be empty" in fail("gateway", "create", " ")
