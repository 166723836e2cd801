"""The requests behind the usage of the organisation, as JSON and as a file."""

from datetime import timedelta

import pytest

from portal.db.tables import Account
from tests.api.conftest import As
from tests.cast import NOW, Gateway, new_team, report, send

REQUESTS = "/admin/api/usage/requests"


@pytest.fixture
def history(alice: Account, bob: Account, admin: Account, gateway: Gateway) -> int:
    """Alice, in a team, has made a newer request than Bob."""
    team = new_team("Red", alice)
    send(gateway, report("a", prompt_tokens=980))
    send(gateway, report("b", username="bob", model="gemma3:27b", requested_at=NOW - timedelta(hours=2)))
    return team


def test_requests_have_the_sums_of_the_usage(history: int, admin: Account, as_: As) -> None:
    client = as_(admin)
    found = client.get(REQUESTS).json()
    assert [(item["username"], item["team"], item["billable_tokens"]) for item in found["items"]] == [
        ("alice", "Red", 1000),
        ("bob", None, 120),
    ]
    assert found["items"][0]["cost_eur"] == "0.02"
    assert found["totals"] == client.get("/admin/api/usage").json()["totals"]
    assert (found["pruned"]["requests"], found["next_cursor"], found["total"]) == (0, None, 2)


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"sort": "at"}, ["bob", "alice"]),
        ({"team": "0"}, ["bob"]),
        ({"cost_centre": "–", "model": "qwen3:32b"}, ["alice"]),
        ({"gateway": "0"}, []),
        ({"to": "2026-10-31"}, []),
    ],
)
def test_requests_match_the_filter(
    history: int, admin: Account, as_: As, params: dict[str, str], names: list[str]
) -> None:
    found = as_(admin).get(REQUESTS, params=params).json()
    assert [item["username"] for item in found["items"]] == names
    rows = as_(admin).get(f"{REQUESTS}/export", params={"bom": "false", **params}).text.splitlines()[1:]
    assert [row.split(",")[1] for row in rows] == names


def test_pages_follow_each_other(history: int, admin: Account, as_: As) -> None:
    first = as_(admin).get(REQUESTS, params={"limit": "1"}).json()
    second = as_(admin).get(REQUESTS, params={"limit": "1", "cursor": first["next_cursor"]}).json()
    assert [item["username"] for page in (first, second) for item in page["items"]] == ["alice", "bob"]
    assert first["totals"] == second["totals"]


@pytest.mark.parametrize("params", [{"search": "alice"}, {"from": "2026-02-30"}, {"team": "x"}, {"by": "team"}])
def test_unknown_filters_of_requests_are_refused(admin: Account, as_: As, params: dict[str, str]) -> None:
    assert as_(admin).get(REQUESTS, params=params).status_code == 422
