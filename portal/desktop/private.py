"""Files that only their owner may read."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see the old content or the new one. Raises OSError."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def make_private_folder(folder: Path) -> None:
    """Create a folder that only its owner may read, unless it exists. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_without_links(path: str, flags: int) -> int:
    """Open a file as an `opener` does, for its owner alone. Raises OSError if it is a link, where systems can tell."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)  # Windows has no such flag
