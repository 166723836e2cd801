"""Import the server with less time and memory."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_UNUSED = ("aiohttp", "requests", "websocket", "mako.ext.pygmentplugin")
"""What libraries import if it is installed, and the server never uses.

They are the HTTP clients of python-engineio, and the colours of Mako's tracebacks, which import thirty lexers.
"""


@contextmanager
def lean_imports() -> Iterator[None]:
    """Let imports in this context do without `_UNUSED` and without looking for garbage, of which they make none.

    `_UNUSED` needs 18 MB; without both the start is a quarter shorter.
    """
    absent = [name for name in _UNUSED if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None makes an import fail
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        for name in absent:
            sys.modules.pop(name, None)
