"""Gateways and their tokens."""

import pytest
from sqlalchemy.exc import IntegrityError

from portal.db.gateways import (
    add_gateway,
    add_token,
    all_gateways,
    gateway_named,
    gateway_with_token,
    revoke_tokens,
    tokens_of,
)
from portal.db.sql.session import Database
from tests.cast import NOW, run


def test_a_gateway_is_known_by_any_of_its_tokens_until_revoked(db: Database) -> None:
    first, second = run(add_gateway, "first", "native", NOW).id, run(add_gateway, "second", "native", NOW).id
    run(add_token, first, "one", "moe-gw-1", NOW)
    run(add_token, first, "two", "moe-gw-2", NOW)
    run(add_token, second, "three", "moe-gw-1", NOW)

    def names() -> dict[str, str | None]:
        found = {token: run(gateway_with_token, token) for token in ("one", "two", "three", "unknown", "")}
        return {token: row.name if row else None for token, row in found.items()}

    assert names() == {"one": "first", "two": "first", "three": "second", "unknown": None, "": None}
    assert run(revoke_tokens, first, NOW, prefix="moe-gw-1") == 1
    assert names() == {"one": None, "two": "first", "three": "second", "unknown": None, "": None}
    assert run(revoke_tokens, first, NOW) == 1
    assert run(revoke_tokens, first, NOW) == 0
    assert names() == {"one": None, "two": None, "three": "second", "unknown": None, "": None}
    assert [token.token_hash for token in run(tokens_of, first)] == ["one", "two"]


def test_gateways_by_name(db: Database) -> None:
    run(add_gateway, "b", "native", NOW)
    run(add_gateway, "a", "native", NOW)
    assert [row.name for row in run(all_gateways)] == ["a", "b"]
    assert run(gateway_named, "c") is None
    with pytest.raises(IntegrityError):
        run(add_gateway, "a", "native", NOW)
