"""The files of scheduled backups: their names, and how many of them stay."""

import re
import shutil
import time
from contextlib import suppress
from datetime import datetime
from pathlib import Path

_NAME = re.compile(r"moe-portal-\d{8}T\d{6}Z\.zip")
_UNFINISHED = ".moe-portal-*"
_LEFT_BEHIND = 24 * 3600
"""Seconds after which an unfinished file belongs to a server that was killed."""


def name_at(now: datetime) -> str:
    """Return the name of the backup that begins at an instant (UTC); names sort by time."""
    return f"moe-portal-{now:%Y%m%dT%H%M%SZ}.zip"


def remove_old(folder: Path, keep: int) -> list[str]:
    """Remove all scheduled backups but the newest `keep`; return their names. Other files stay."""
    found = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file())
    old = found[: max(len(found) - keep, 0)]
    for path in old:
        path.unlink(missing_ok=True)
    return [path.name for path in old]


def remove_unfinished(folder: Path) -> None:
    """Remove what servers that were killed have left behind."""
    with suppress(OSError):
        for path in folder.glob(_UNFINISHED):
            if path.stat().st_mtime > time.time() - _LEFT_BEHIND:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
