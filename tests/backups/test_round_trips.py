"""Everything that is backed up is there after a restore, row by row, on either database."""

from collections.abc import Callable
from pathlib import Path

import pytest

from portal.actions.verification import verify_in
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.db.sql.session import Database
from portal.settings import settings
from tests.backups.conftest import ORDER, opened
from tests.backups.content import all_rows, fill
from tests.cast import NOW

FORMS = [
    pytest.param("plain", "sqlite", id="into sqlite"),
    pytest.param("plain", "postgresql", id="into postgresql"),
    pytest.param("portable", "sqlite", id="portable into sqlite"),
    pytest.param("portable", "postgresql", id="portable into postgresql"),
]


def is_possible(database_kind: str, form: str, target: str) -> bool:
    """Say whether a backup of this kind can be restored there: a dump into PostgreSQL only."""
    return not (database_kind == "postgresql" and form == "plain" and target == "sqlite")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("form", "target"), FORMS)
def test_every_row_is_restored(
    db: Database, database_kind: str, form: str, target: str, seed: int, new_url: Callable[[str], str], tmp_path: Path
) -> None:
    if not is_possible(database_kind, form, target):
        target = "postgresql"
    fill(seed)
    file, url = tmp_path / "portal.zip", new_url(target)
    manifest = write_backup(db, file, NOW, portable=form == "portable")
    restored = restore_backup(url, file, ORDER)
    assert (restored.manifest, restored.faults) == (manifest, ())
    with opened(url) as other:
        assert all_rows(other) == all_rows(db)
        assert all(rows for name, rows in all_rows(other).items() if name != "installation")
        with other.reading() as session:
            assert list(verify_in(session, settings().budget_zone)) == []
