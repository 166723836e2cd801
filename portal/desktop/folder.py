"""The folder of the data: which one, and whether it can be used."""

import os
import shlex
import stat
from pathlib import Path

from portal.desktop.failures import Failure, failure_of
from portal.rules.messages import message
from portal.system.folders import user_data_folder

VARIABLE = "PORTAL_DATA_DIR"
LOG = "moe-portal.log"
"""The name of the log in the folder."""


def choose_folder(given: Path | None) -> Path:
    """Return the folder of the data: the given one, that of PORTAL_DATA_DIR, or that of the user."""
    named = os.environ.get(VARIABLE)
    chosen = given or (Path(named) if named else user_data_folder())
    return Path(os.path.abspath(chosen.expanduser()))  # noqa: PTH100  # `resolve` would follow links


def prepare_folder(folder: Path) -> None:
    """Create the folder for its owner alone, unless it exists. Raises Failure if the program cannot use it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except (FileExistsError, NotADirectoryError):
        raise Failure(
            message(
                "{folder} is not a folder. The data need a folder of their own: choose one with --data.",
                folder=str(folder),
            )
        ) from None
    except OSError as error:
        raise failure_of(error, folder) or _unusable(folder, error) from error
    if hasattr(os, "geteuid"):  # Windows has lists of rights, not owners and modes
        _refuse_other_users(folder, found)


def _refuse_other_users(folder: Path, found: os.stat_result) -> None:
    """Raise Failure if another user owns the folder, or may replace files in it."""
    if found.st_uid != os.geteuid():
        raise Failure(
            message(
                "The folder {folder} belongs to another user, {user}. Everybody has data of their own: choose another "
                "folder with --data.",
                folder=str(folder),
                user=_name(found.st_uid),
            )
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise Failure(
            message(
                "Other users may write into the folder {folder}, and could replace your data. Run {command}, or choose "
                "another folder with --data.",
                folder=str(folder),
                command=f"chmod go-w {shlex.quote(str(folder))}",
            )
        )


def _unusable(folder: Path, error: OSError) -> Failure:
    return Failure(
        message(
            "The folder {folder} cannot be used: {reason}. Choose another one with --data.",
            folder=str(folder),
            reason=error.strerror or str(error),
        )
    )


def _name(user: int) -> str:
    import pwd  # noqa: PLC0415  # only POSIX systems have it, and only they get here

    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)
