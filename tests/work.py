"""How much work something does, counted in calls of functions: unlike seconds, the same on every machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def at_most_calls(most: int) -> Iterator[None]:
    """Fail if the block calls more than `most` functions, of Python or C, also where it raises."""
    calls = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(None)
        assert calls <= most
