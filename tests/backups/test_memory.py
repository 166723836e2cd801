"""Writing and restoring take the same memory for a small and a large database."""

import subprocess
import sys
from pathlib import Path

from portal.db.sql.schema import migrate
from tests.backups.conftest import opened
from tests.databases import Server

ROOT = Path(__file__).parents[2]
LARGE = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) "
    "INSERT INTO installation SELECT 'row ' || i, printf('%.2000c', 'x') FROM n",
    "postgresql": "INSERT INTO installation SELECT 'row ' || i, repeat('x', 2000) FROM generate_series(1, 30000) AS i",
}
"""Store 60 MB."""
MOST = 40
"""The MB that the work may take, besides those of the program."""

MEASURED = """
import resource, sys
from pathlib import Path
from portal.backups.restoring import Order
from portal.backups.targets import restore_backup
from portal.backups.writing import write_backup
from portal.clock import utc_now
from portal.db.sql.session import Database
from portal.rules.people.actors import Actor, Means

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 1024)

source, *targets, file = sys.argv[1:]
database = Database(source, 1)
database.engine.connect().close()
before = peak()
for target, portable in zip(targets, [False, True]):
    write_backup(database, Path(file), utc_now(), portable=portable)
    restore_backup(target, Path(file), Order(Actor(Means.COMMAND_LINE), utc_now()))
print(peak() - before)
"""
IN_A_SHELL = ["sh", "-c", '"$@"; exit $?', "sh"]
"""A process begins with the peak of its parent, which is small for a shell."""


def test_memory_does_not_grow_with_the_data(databases: Server, database_kind: str, tmp_path: Path) -> None:
    source, *targets = [databases.new_url() for _ in range(3)]
    with opened(source) as large:
        migrate(large)
        with large.engine.begin() as connection:
            connection.exec_driver_sql(LARGE[database_kind])
    program = [sys.executable, "-c", MEASURED, source, *targets, str(tmp_path / "portal.zip")]
    done = subprocess.run([*IN_A_SHELL, *program], cwd=ROOT, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < MOST
