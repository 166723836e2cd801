"""Exports of real programs, made up again with other names and numbers, and what a person used by them."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import create_key
from portal.db.sql.session import Database
from portal.db.tables import Account, UsageEvent
from portal.settings import settings
from tests.api.conftest import As, Client
from tests.cast import NOW, acting, create_member, new_gateway, run
from tests.queries import count_held

CASES = Path(__file__).parents[2] / "data" / "cases" / "reports"
LATER = NOW.replace(year=NOW.year + 1)
"""After the instants of all cases."""


@pytest.fixture
def mara(db: Database) -> Account:
    return create_member("mara")


def events(account: Account) -> list[UsageEvent]:
    return run(lambda session: [*session.scalars(select(UsageEvent).filter_by(account_id=account.id))])


@pytest.fixture(autouse=True)
def later(clock: Any) -> None:
    clock.move_to(LATER)


def sent(client: Client, case: str, signal: str, token: str) -> dict[str, Any]:
    answer = client.post(
        f"/api/v1/otlp/v1/{signal}",
        content=(CASES / f"{case}.json").read_bytes(),
        headers={"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.parametrize("by", ["gateway", "person"])
@pytest.mark.parametrize(
    ("case", "requests", "tokens", "cached", "reasoning", "signal"),
    [
        ("20-vercel-generateText", 1, 5_080, 4_500, 0, "traces"),
        ("21-vercel-reasoning-strings", 1, 23_900, 0, 950, "traces"),
        ("22-pydantic-agent-run", 2, 121, 0, 0, "traces"),
        ("24-no-usage", 1, 0, 0, 0, "traces"),
        ("29b-otel-no-usage-model", 1, 0, 0, 0, "traces"),
        ("26-langfuse-usage-details", 1, 120, 0, 0, "traces"),
        ("27-claude-code-trace", 1, 30_710, 30_000, 0, "traces"),
        ("27b-claude-code-log", 1, 26_012, 25_000, 0, "logs"),
        ("27c-codex-log", 1, 9_300, 7_000, 120, "logs"),
    ],
)
def test_case_counts_what_the_provider_bills(
    mara: Account, client: Client, as_: As, by: str, case: str, requests: int, tokens: int, cached: int, reasoning: int,
    signal: str,
) -> None:  # fmt: skip
    token = (
        new_gateway("otel").token
        if by == "gateway"
        else run(create_key, acting(mara), mara.id, "laptop", None, NOW).secret
    )
    assert sent(client, case, signal, token) == {}, "no partial success"
    assert sent(client, case, signal, token) == {}
    found = events(mara)
    assert len(found) == requests
    assert sum(event.billable_tokens for event in found) == tokens
    assert sum(event.cached_tokens for event in found) == cached
    assert sum(event.reasoning_tokens for event in found) == reasoning
    assert run(count_held) == {}
    assert run(lambda session: list(verify_account(session, mara.id, settings().budget_zone))) == []
