"""Failures of the desktop program: each is a sentence about what happened and what to do.

Decision: this module and the others that open the window import only light modules, so that a person sees the window
before the server is imported.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from portal.rules.messages import Message, message

_FULL = {errno.ENOSPC, errno.EDQUOT, "SQLITE_FULL"}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS, "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM"}
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT"}
_BUSY = {"SQLITE_BUSY", "SQLITE_LOCKED"}


class Failure(Exception):
    """The desktop program cannot start or go on; `sentence` is for its person."""

    def __init__(self, sentence: Message | str) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


def failure_of(error: BaseException, folder: Path) -> Failure | None:
    """Return the failure that an error of the disk or the database means; None for all others."""
    codes = set(_codes(error))
    if codes & _FULL:
        return disk_full(folder)
    if codes & _FORBIDDEN:
        return not_writable(folder)
    if codes & _DAMAGED:
        return damaged(folder)
    return in_use(folder) if codes & _BUSY else None


@contextmanager
def disk_failures(folder: Path) -> Iterator[None]:
    """Raise the failure that an error of the disk means in place of the error; other errors stay as they are."""
    try:
        yield
    except OSError as error:
        failure = failure_of(error, folder)
        if failure is None:
            raise
        raise failure from error


def disk_full(folder: Path) -> Failure:
    """Return the failure to write on a full disk."""
    return Failure(
        message(
            "The disk with the folder {folder} is full. Free some space, then start MoE Portal again. "
            "Nothing that was stored is lost.",
            folder=str(folder),
        )
    )


def not_writable(folder: Path) -> Failure:
    """Return the failure to write into a folder."""
    return Failure(
        message(
            "MoE Portal may not write into the folder {folder}. Allow it for your user, or choose another folder "
            "with --data.",
            folder=str(folder),
        )
    )


def damaged(folder: Path) -> Failure:
    """Return the failure to read a database."""
    return Failure(
        message(
            "The database {file} is damaged. Move all files that begin with this name to another folder, start MoE "
            "Portal again, and restore your last backup on the page Profile.",
            file=str(folder / "portal.sqlite3"),
        )
    )


def newer(folder: Path) -> Failure:
    """Return the refusal of a database that a later version has written."""
    return Failure(
        message(
            "A newer version of MoE Portal has written the data in {folder}. Start that version, or choose another "
            "folder with --data. Nothing was changed.",
            folder=str(folder),
        )
    )


def in_use(folder: Path) -> Failure:
    """Return the failure to get a database that another program has locked."""
    return Failure(
        message(
            "Another program uses the database in {folder} and does not release it. Close that program, then start "
            "MoE Portal again.",
            folder=str(folder),
        )
    )


def linked_log(log: Path) -> Failure:
    """Return the refusal to write a log into the file that a link names."""
    return Failure(
        message(
            "{log} is a link, and the log must be a file in its folder. Remove the link, then start MoE Portal again.",
            log=str(log),
        )
    )


def unexpected(log: Path) -> Failure:
    """Return the failure that nobody has foreseen."""
    return Failure(message("An unexpected error has ended MoE Portal. The file {log} has the details.", log=str(log)))


def _codes(error: BaseException) -> Iterator[int | str]:
    """Yield the numbers of the system's errors and the names of SQLite's, from an error and its causes."""
    seen: list[BaseException] = []
    todo: list[BaseException | None] = [error]
    while todo:
        found = todo.pop()
        if found is None or found in seen:
            continue
        seen.append(found)
        if isinstance(found, OSError) and found.errno is not None:
            yield found.errno
        name = str(getattr(found, "sqlite_errorname", ""))
        yield "_".join(name.split("_")[:2])  # SQLITE_READONLY_DIRECTORY is a kind of SQLITE_READONLY
        todo += [found.__cause__, getattr(found, "orig", None)]
