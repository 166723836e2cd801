"""The usage of the organisation as JSON and as a file."""

import pytest

from portal.db.tables import Account
from tests.api.conftest import As
from tests.cast import NOW, Gateway, new_team, report, send

USAGE = "/admin/api/usage"


@pytest.fixture
def history(alice: Account, bob: Account, admin: Account, gateway: Gateway) -> int:
    """Alice, in a team, has used more than Bob."""
    team = new_team("Red", alice)
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob", model="gemma3:27b"))
    return team


def test_usage_has_a_row_for_each_group_and_totals(history: int, admin: Account, as_: As) -> None:
    found = as_(admin).get(USAGE, params={"from": "2026-11-01", "to": "2026-11-30", "by": "team"}).json()
    sums = {"prompt_tokens": 980, "completion_tokens": 20, "total_tokens": 1000, "requests": 1, "cost_eur": "0.02"}
    red = {"key": "Red", "id": history, "name": "", "tokens": 1000, **sums, "unpriced": 0}
    nobody = {
        **red,
        "key": None,
        "id": 0,
        "tokens": 120,
        "prompt_tokens": 100,
        "total_tokens": 120,
        "cost_eur": "0.0024",
    }
    assert found["items"] == [red, nobody]
    whole = {**red, "tokens": 1120, "prompt_tokens": 1080, "completion_tokens": 40, "total_tokens": 1120, "requests": 2}
    assert found["totals"] == {
        k: v for k, v in (whole | {"cost_eur": "0.0224"}).items() if k not in {"key", "id", "name"}
    }
    assert (found["next_cursor"], found["total"]) == (None, 2)


@pytest.mark.parametrize(
    ("params", "keys"),
    [
        ({"by": "account"}, ["alice", "bob"]),
        ({"by": "account", "sort": "tokens"}, ["bob", "alice"]),
        ({"by": "account", "search": "LI"}, ["alice"]),
        ({"by": "model", "mode": "native"}, ["qwen3:32b", "gemma3:27b"]),
        ({"by": "model", "team": "0"}, ["gemma3:27b"]),
        ({"by": "day", "range": "year"}, ["2026-11-22"]),
        ({"by": "month", "to": "2026-10-31"}, []),
    ],
)
def test_groups_match_the_filter(
    history: int, admin: Account, as_: As, params: dict[str, str], keys: list[str]
) -> None:
    found = as_(admin).get(USAGE, params=params).json()
    assert [item["key"] for item in found["items"]] == keys


def test_pages_have_the_same_totals(history: int, admin: Account, as_: As) -> None:
    first = as_(admin).get(USAGE, params={"by": "account", "limit": "1"}).json()
    second = as_(admin).get(USAGE, params={"by": "account", "limit": "1", "cursor": first["next_cursor"]}).json()
    assert [item["key"] for page in (first, second) for item in page["items"]] == ["alice", "bob"]
    assert first["totals"] == second["totals"]


@pytest.mark.parametrize("params", [{"by": "planet"}, {"from": "2026-02-30"}, {"team": "x"}, {"planet": "earth"}])
def test_bad_parameters_are_refused(history: int, admin: Account, as_: As, params: dict[str, str]) -> None:
    assert as_(admin).get(USAGE, params=params).status_code == 422


def test_export_has_all_groups(history: int, admin: Account, as_: As) -> None:
    found = as_(admin).get(f"{USAGE}/export", params={"by": "account", "bom": "false"})
    assert found.headers["content-disposition"] == f'attachment; filename="moe-portal-usage-{NOW:%Y-%m-%d}.csv"'
    assert found.text.splitlines()[1:] == [
        "alice,Alice,1,980,20,1000,1000,0.02,0,0",
        "bob,Bob,1,100,20,120,120,0.0024,0,0",
    ]


def test_others_see_nothing(history: int, alice: Account, as_: As) -> None:
    assert as_(alice).get(USAGE).status_code == 403
    assert as_(alice).get(f"{USAGE}/export").status_code == 403
