"""The export of a person: no table that refers to an account is forgotten."""

from portal.db.people.export import LEFT_OUT, PARTS
from portal.db.tables import Table


def test_every_table_about_a_person_is_exported_or_left_out() -> None:
    """A new table belongs into `PARTS`, with a sentence about it, or into `LEFT_OUT`, with a reason."""
    personal = {
        table.name
        for table in Table.metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname in {"accounts.id", "api_keys.id"}
    }
    exported = {part.table.__tablename__ for part in PARTS}
    assert personal - exported - LEFT_OUT.keys() == set()
    assert exported & LEFT_OUT.keys() == set()


def test_no_secret_is_a_column_of_an_export() -> None:
    secret = ("hash", "secret", "fingerprint", "password")
    columns = {
        column.name for part in PARTS for column in part.table.__table__.columns if column.name not in part.without
    }
    assert {name for name in columns if any(word in name for word in secret)} == set()
