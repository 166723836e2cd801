"""`portal team`."""

import json

from portal.db.sql.session import Database
from portal.db.tables import Account
from tests.cast import Gateway, report, send
from tests.cli.terminal import audit, fail, misuse, rows, succeed


def test_a_team_lives_from_its_creation_to_its_end(alice: Account, bob: Account, gateway: Gateway) -> None:
    assert succeed("team", "create", "Lab", "--cost-centre", "K-1", "--monthly", "1_000") == "Created the team Lab.\n"
    assert succeed("team", "move", "alice", "lab") == "alice is in the team lab.\n"
    assert succeed("team", "manager", "Lab", "bob") == "bob manages the team Lab.\n"
    send(gateway, report(prompt_tokens=580))
    assert [row[:5] for row in rows(succeed("team", "list"))] == [["Lab", "K-1", "active", "1", "600"]]
    (item,) = json.loads(succeed("team", "list", "--json", "--search", "k-1"))
    assert (item["tokens"], item["budget_percent"], item["monthly"]) == (600, "60.0", 1000)
    shown = json.loads(succeed("team", "show", "lab", "--json"))
    assert (shown["managers"], [each["username"] for each in shown["people"]]) == (["bob"], ["alice"])
    assert "Managers: bob." in succeed("team", "show", "Lab")
    assert "daily 5, monthly 1,000" in succeed("team", "budget", "Lab", "--daily", "5")
    succeed("team", "change", "Lab", "--name", "Laboratory")
    succeed("team", "suspend", "Laboratory")
    assert json.loads(succeed("team", "list", "--status", "suspended", "--json"))[0]["name"] == "Laboratory"
    succeed("team", "activate", "Laboratory")
    succeed("team", "move", "alice", "none")
    succeed("team", "manager", "Laboratory", "bob", "--remove")
    assert "has usage" in fail("team", "delete", "Laboratory", "--yes")
    assert [entry[0] for entry in audit()][-4:] == ["team.suspend", "team.activate", "team.move", "team.remove_manager"]


def test_unused_team_is_deleted_only_with_yes(db: Database) -> None:
    succeed("team", "create", "Lab")
    assert "--yes" in misuse("team", "delete", "Lab")
    succeed("team", "delete", "Lab", "--yes")
    assert rows(succeed("team", "list")) == []
