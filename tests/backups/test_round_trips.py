"""Everything that is backed up is there after a restore, row by row, on either database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.actions.metering.verification import verify_in
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.db.sql.session import Database
from portal.settings import settings
from tests.backups.conftest import ORDER, opened
from tests.backups.content import all_rows, fill
from tests.cast import NOW

WAYS = {
    "sqlite": {False: ["sqlite", "postgresql"]},
    "postgresql": {False: ["postgresql"], True: ["sqlite", "postgresql"]},
}
"""Where the backups of each database can be restored; `portable` makes a difference for PostgreSQL only."""


@pytest.mark.parametrize("seed", range(3))
def test_every_row_is_restored(
    db: Database, database_kind: str, seed: int, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    fill(seed)
    before, file = all_rows(db), tmp_path / "portal.zip"
    assert all(rows for name, rows in before.items() if name != "installation")
    for portable, targets in WAYS[database_kind].items():
        manifest = write_backup(db, file, NOW, portable=portable)
        for url in map(new_url, targets):
            restored = restore_backup(url, file, ORDER)
            assert (restored.manifest, restored.faults) == (manifest, ())
            with opened(url) as other:
                assert all_rows(other) == before
                with other.reading() as session:
                    assert list(verify_in(session, settings().budget_zone)) == []
