"""Where the browser finds our own files: all on this server, each under a name that changes with its content."""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"


@cache
def static(name: str) -> str:
    """Return the URL of one of our static files; it may be cached for ever, since new content has a new URL."""
    version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?v={version}"
