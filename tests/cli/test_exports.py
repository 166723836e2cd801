"""`portal export`."""

import stat
from pathlib import Path
from zipfile import ZipFile

from portal.db.tables import Account
from tests.cli.terminal import fail, succeed


def test_a_person_is_exported_to_a_private_file(alice: Account, tmp_path: Path) -> None:
    file = tmp_path / "alice.zip"
    assert "Wrote everything about alice" in succeed("export", "person", "alice", "--output", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"alice@example.org" in ZipFile(file).read("account.json")
    assert "File exists" in fail("export", "person", "alice", "--output", str(file))
    assert "no account called carol" in fail("export", "person", "carol", "--output", str(tmp_path / "carol.zip"))
