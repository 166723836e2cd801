"""Teams as JSON: the list, the files, and changes."""

from typing import Any

import pytest

from portal.api.admin.teams import COLUMNS
from portal.db.tables import Account
from portal.rules.spending.budgets import Limits
from tests.api.account.test_usage_export import READERS
from tests.api.conftest import As
from tests.cast import Gateway, audit_log, new_team, report, send

TEAMS = "/admin/api/teams"


@pytest.fixture
def research(alice: Account, bob: Account, gateway: Gateway) -> int:
    number = new_team("Research", alice, limits=Limits(monthly=1400))
    send(gateway, report("a", prompt_tokens=980), report("b", username="bob"))
    return number


def test_a_team_has_the_figures_of_the_month(research: int, admin: Account, as_: As) -> None:
    answer = as_(admin).get(TEAMS, params={"search": "rese"}).json()
    assert (answer["total"], answer["next_cursor"]) == (1, None)
    item = answer["items"][0]
    version = item.pop("version")
    assert item == {
        "id": research,
        "name": "Research",
        "cost_centre": "",
        "status": "active",
        "created_at": "2026-11-22T14:05:00Z",
        "members": 1,
        "daily": None,
        "monthly": 1400,
        "total": None,
        "tokens": 1000,
        "requests": 1,
        "cost_eur": "0.02",
        "unpriced": 0,
        "budget": {"period": "monthly", "percent": "71.4", "level": "warning"},
    }
    details = as_(admin).get(f"{TEAMS}/{research}").json()
    assert details["team"] == item | {"version": version}
    assert [each["used"] for each in details["budgets"]] == [1000] * 3
    assert details["members"][0]["username"] == "alice"


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
@pytest.mark.parametrize("chosen", [{}, {"search": "x"}, {"status": "active", "sort": "-name"}], ids=str)
def test_export_is_what_is_filtered(research: int, admin: Account, as_: As, kind: str, chosen: dict[str, str]) -> None:
    new_team("Lab")
    items = as_(admin).get(TEAMS, params=chosen).json()["items"]
    rows = READERS[kind](as_(admin).get(f"{TEAMS}/export", params=chosen | {"format": kind}).content)
    assert [row["name"] for row in rows] == [item["name"] for item in items]
    assert [int(row["tokens_this_month"]) for row in rows] == [item["tokens"] for item in items]
    assert all(tuple(row) == COLUMNS for row in rows)


def test_a_team_lives_from_its_creation_to_its_end(alice: Account, bob: Account, admin: Account, as_: As) -> None:
    client = as_(admin)
    created = client.post(TEAMS, json={"name": "Lab", "cost_centre": "K-1", "monthly": 500})
    assert created.status_code == 201
    team, version = created.json()["team"], created.json()["team"]["version"]
    path = f"{TEAMS}/{team['id']}"
    changed = client.patch(path, json={"name": "Laboratory", "version": version})
    assert changed.json()["team"]["name"] == "Laboratory"
    assert client.patch(path, json={"cost_centre": "", "version": version}).status_code == 409
    assert client.put(f"{path}/budget", json={"daily": 7}).json()["team"]["monthly"] is None
    for route in (f"members/{alice.id}", f"managers/{bob.id}"):
        assert client.put(f"{path}/{route}").status_code == 204
    details = client.get(path).json()
    assert [person["username"] for person in details["members"] + details["managers"]] == ["alice", "bob"]
    assert client.post(f"{path}/suspend").status_code == 204
    assert client.put(f"{path}/members/{bob.id}").status_code == 409
    assert client.post(f"{path}/activate").status_code == 204
    assert client.delete(path).status_code == 409
    assert client.delete(f"{path}/members/{bob.id}").status_code == 404
    for route in (f"members/{alice.id}", f"managers/{bob.id}"):
        assert client.delete(f"{path}/{route}").status_code == 204
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == 404
    assert [action for _, action, _ in audit_log()] == [
        *("team.create", "team.edit", "team.budget", "team.move", "team.add_manager", "team.suspend"),
        *("team.activate", "team.move", "team.remove_manager", "team.delete"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 65}, "name"),
        ({"name": "x", "cost_centre": "y" * 65}, "cost_centre"),
        ({"name": "x", "daily": -1}, "daily"),
        ({"name": "x", "daily": "1"}, "daily"),
        ({"name": "x", "type": "one_time"}, "type"),
    ],
    ids=str,
)
def test_wrong_values_are_refused(admin: Account, as_: As, body: dict[str, Any], field: str) -> None:
    refused = as_(admin).post(TEAMS, json=body)
    assert refused.status_code == 422
    assert field in refused.json()["detail"]
    assert as_(admin).get(TEAMS).json()["total"] == 0


def test_a_taken_name_is_a_conflict(research: int, admin: Account, as_: As) -> None:
    refused = as_(admin).post(TEAMS, json={"name": "RESEARCH"})
    assert (refused.status_code, refused.json()["detail"]) == (409, "There is a team called RESEARCH already.")
