"""Read the unpacked content of a file, and its lines."""

import codecs
import gzip
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from portal.errors import PortalError

Row = dict[str, Any]
Advance = Callable[[int], None]
"""Called with the progress since the last call, in the units of `FileTable.total`."""

LONGEST_LINE = 2**24
"""Bytes of a line, and characters of a cell; logs may contain whole conversations."""
PROGRESS_EVERY = 500
"""Rows between two calls of `Advance`."""

_GZIP = b"\x1f\x8b"


class UnreadableFile(PortalError):
    """A file has no rows that can be read, or ends too early; the message does not name the file."""

    code = "unreadable"


@contextmanager
def open_content(path: Path) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Open a file; yield its unpacked content, and the file itself, which has the position for the progress."""
    with path.open("rb") as raw:
        if raw.peek(2).startswith(_GZIP):
            with gzip.open(raw) as text:
                yield text, raw  # type: ignore[misc]  # a GzipFile has the same methods for reading
        else:
            yield raw, raw


def content_lines(text: IO[bytes]) -> Iterator[bytes]:
    """Yield lines without a byte order mark; bytes of a line beyond LONGEST_LINE are skipped."""
    line = text.readline(LONGEST_LINE).removeprefix(codecs.BOM_UTF8)
    while line:
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = text.readline(LONGEST_LINE)
        line = text.readline(LONGEST_LINE)
