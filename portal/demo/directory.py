"""The directory of the demo's database."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.errors import Conflict

DATABASE_FILES = ("portal.sqlite3", "portal.sqlite3-wal", "portal.sqlite3-shm", "portal.sqlite3-journal")


@contextmanager
def own_directory(directory: Path, *, keep: bool) -> Iterator[None]:
    """Lock a directory for one demo, and delete the database in it unless `keep`.

    Raises Conflict if another demo runs there.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("w") as lock:
        if sys.platform != "win32":  # there, deleting an open database fails by itself
            import fcntl  # noqa: PLC0415  # POSIX only

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"Another demo is running in {directory}. Stop it first.") from None
        if not keep:
            for name in DATABASE_FILES:
                (directory / name).unlink(missing_ok=True)
        yield
