from portal.db.metering.imports import Progress, import_progress, note_import_progress
from portal.db.sql.session import Database
from tests.cast import NOW, run


def test_an_import_goes_on_where_it_was(db: Database) -> None:
    assert run(import_progress, "usage.csv") is None
    run(note_import_progress, "usage.csv", Progress("row 10", 10), NOW)
    run(note_import_progress, "usage.csv", Progress("row 25", 25), NOW)
    assert run(import_progress, "usage.csv") == Progress("row 25", 25)


def test_each_source_has_a_progress_of_its_own(db: Database) -> None:
    run(note_import_progress, "usage.csv", Progress("row 10", 10), NOW)
    assert run(import_progress, "other.csv") is None
