"""Measure the refusal of ten million bytes of invalid data, compared with `json.loads` of a list of that size."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from portal.errors import PortalError
from portal.gateways.litellm import read_litellm
from portal.gateways.native import read_events
from portal.gateways.otlp import read_traces
from tools.bench.figures import Figure, at_most, median, seconds

SIZE = 10_000_000
GOAL = at_most(10)
PIECES = [b"[", b'{"a":', b"[1,", b"{}{", b'"\\"', b"\n", b"\n{", b"}{", b"9", b" "]
"""A body is one of these, repeated."""
OBJECTS = [b'"x",', b"{},", b'[["a"],["b"]],', b'{"a":{"b":[1,2,{"c":"d"}]}},', b'"\\"}{",', b"1.5,"]
"""A body is a list of one of these, in an unused field."""

Reader = Callable[[bytes], object]
READERS: dict[str, Reader] = {
    "native": read_events,
    "LiteLLM": lambda body: read_litellm(body, "native"),
    "OTLP in JSON": lambda body: read_traces(body, is_json=True, default_mode="native"),
    "OTLP in protobuf": lambda body: read_traces(body, is_json=False, default_mode="native"),
}


def measure(rounds: int) -> list[Figure]:
    """Return the time of the slowest body for each format; each time is the median of `rounds`."""
    numbers = b"[" + b"1," * (SIZE // 2 - 1) + b"1]"
    floor = 1000 * median([seconds(lambda: json.loads(numbers)) for _ in range(rounds)])
    return [
        Figure(f"Refuse 10 MB, {name}", "ms", 1000 * _slowest(read, rounds), floor, "json.loads of numbers", GOAL)
        for name, read in READERS.items()
    ]


def _slowest(read: Reader, rounds: int) -> float:
    return max(median([seconds(partial(_refuse, read, body)) for _ in range(rounds)]) for body in _bodies())


def _bodies() -> Sequence[bytes]:
    lists = [b'{"other":[' + piece * (SIZE // len(piece)) + b'0],"id":7}' for piece in OBJECTS]
    return [piece * (SIZE // len(piece)) for piece in PIECES] + lists


def _refuse(read: Reader, body: bytes) -> None:
    with suppress(PortalError):
        read(body)
