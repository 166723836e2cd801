"""`portal user import` and `portal user bulk`."""

import json
from pathlib import Path

from portal.db.tables import Account
from tests.cast import new_team
from tests.cli.terminal import fail, succeed, the


def test_file_is_previewed_and_imported(alice: Account, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("username,email\ndora,dora@example.org\nalice,a@example.org\n", encoding="utf-8")
    preview = json.loads(succeed("user", "import", str(file), "--preview", "--json"))
    assert (preview["right"], preview["wrong"], len(preview["rows"])) == (1, 1, 2)
    assert "Nothing was imported" in succeed("user", "import", str(file), "--preview")
    assert "1 of 2 rows are wrong" in fail("user", "import", str(file))
    assert "reset-password?token=" in succeed("user", "import", str(file), "--skip-wrong")
    assert the("dora").email == "dora@example.org"


def test_filtered_accounts_are_changed(alice: Account, bob: Account) -> None:
    new_team("Physics")
    done = json.loads(succeed("user", "bulk", "team", "--to", "Physics", "--search", "ali", "--yes", "--json"))
    assert (done["total"], done["changed"], done["left_out"]) == (1, 1, [])
    assert "Changed 1 of 1 accounts" in succeed("user", "bulk", "suspend", "--team", "physics", "--yes")
    assert (the("alice").active, the("bob").active) == (False, True)
