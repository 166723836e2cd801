"""Ids for the rows of files that have no id column.

Decision: the id is the SHA-256 of the whole row, with a number if equal rows came before it. So two equal rows of a
file are two requests, and a file that is imported again, or has rows of another file, counts nothing twice. The numbers
of a sum that may still grow are not part of its id, so that a later export with other numbers is a conflict.
"""

import hashlib
import json
import sqlite3

from portal.imports.cells import cell
from portal.imports.columns import Plan
from portal.imports.files.content import Row
from portal.imports.notations import numbers_in


def identity(row: Row, plan: Plan) -> Row:
    """Return the cells that identify a row."""
    if not plan.format.is_sum:
        return row
    named = {columns[0]: cell(row, columns[0]) for columns in plan.columns.values()}
    texts = {name: value for name, value in row.items() if isinstance(value, (str, bool))}
    return {name: value for name, value in texts.items() if not numbers_in(str(value))} | named


class RowIds:
    """Makes the ids of rows; a temporary file has the number of times each row occurred."""

    def __init__(self) -> None:
        # no name: a temporary file, deleted when it is closed; the garbage collector may close it on another thread
        self._seen = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._seen.execute("PRAGMA cache_size = -32000")  # KiB
        self._seen.execute("CREATE TABLE seen (mark BLOB PRIMARY KEY, times INTEGER) WITHOUT ROWID")
        self._seen.execute("BEGIN")

    def next(self, row: Row) -> str:
        """Return the id of a row, the same each time the file is read."""
        mark = hashlib.sha256(json.dumps(row, sort_keys=True, default=str).encode())
        (times,) = self._seen.execute(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT DO UPDATE SET times = times + 1 RETURNING times",
            (mark.digest(),),
        ).fetchone()
        return f"sha256:{mark.hexdigest()}" + (f"/{times}" if times > 1 else "")

    def close(self) -> None:
        """Remove the temporary file."""
        self._seen.close()
