"""`make bench`: measure the speed of the portal on this machine, each figure with its floor. Takes some minutes.

A missed goal is a finding, not a failure: the exit status is 0.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.databases import PostgreSQL, Server, SQLite
from tools.bench import administration, ingest, pages, refusals, served, table
from tools.bench.figures import Figure, at_least
from tools.bench.fill import DAYS

GOALS = {100: at_least(0.4)}
"""The goals of ingest in-process, by events of a batch."""


@dataclass(frozen=True, slots=True)
class Effort:
    """The amount of work: events of a round by batch size, batches over HTTP, answers of a route, views."""

    rounds: int
    ingest: dict[int, int]
    batches: int
    answers: int
    views: int
    organisations: Sequence[administration.Size]


THOROUGH = Effort(
    rounds=7, ingest={100: 4_000, 1: 400}, batches=100, answers=300, views=15, organisations=administration.THOROUGH
)
QUICK = Effort(rounds=1, ingest={100: 200, 1: 5}, batches=4, answers=5, views=1, organisations=administration.QUICK)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure with the options of the command line; return the exit status."""
    asked = _arguments(arguments)
    gc.collect()
    gc.freeze()  # as the server does
    figures = measure(QUICK if asked.quick else THOROUGH, asked.events, asked.databases, asked.directory)
    table.show(figures)
    for path, text in ((asked.json, table.as_json), (asked.markdown, table.as_markdown)):
        if path is not None:
            path.write_text(text(figures), encoding="utf-8")
    return 0


def measure(effort: Effort, sizes: Sequence[int], kinds: Sequence[str], where: Path | None) -> list[Figure]:
    """Run all measurements, on databases in a temporary directory."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="portal-bench-", dir=where) as name:
        for part in _parts(effort, sizes, kinds, Path(name), figures):
            for figure in part:
                say(" | ".join(filter(None, table.cells(figure))))
            figures += part
    return figures


def _parts(
    effort: Effort, sizes: Sequence[int], kinds: Sequence[str], directory: Path, found: Sequence[Figure]
) -> Iterator[list[Figure]]:
    """Yield the figures of each part; the first figure `found` is the floor of a later part."""
    for kind in kinds:
        yield _ingest(kind, directory, effort)
    with served.running(directory / "served") as portal:
        yield [served.measure_ingest(portal, effort.batches, effort.rounds, found[0].floor)]
        yield served.measure_routes(portal, effort.answers, effort.rounds)
    yield refusals.measure(effort.rounds)
    yield pages.measure(directory, sizes, effort.views, say)
    yield administration.measure(directory, effort.organisations, effort.views, say)


def _ingest(kind: str, directory: Path, effort: Effort) -> list[Figure]:
    server: Server = SQLite(directory) if kind == "sqlite" else PostgreSQL(durable=True)
    try:
        return ingest.measure(server, kind, GOALS if kind == "sqlite" else {}, effort.ingest, effort.rounds)
    finally:
        server.stop()


def say(line: str) -> None:
    """Write a line of progress to stderr."""
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="try everything once; the figures say little")
    parser.add_argument(
        "--events", type=_sizes, default="10000,1000000", help="sizes of the accounts of pages, multiples of 400"
    )
    parser.add_argument(
        "--databases", type=_kinds, default="sqlite,postgresql", help="where to ingest; sqlite comes first"
    )
    parser.add_argument("--directory", type=Path, help="where to put the databases, 0.4 GB for each million events")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file")
    return parser.parse_args(arguments)


def _sizes(text: str) -> list[int]:
    sizes = [int(part) for part in text.split(",")]
    if min(sizes) < pages.SMALLEST or any(size % DAYS for size in sizes):
        raise argparse.ArgumentTypeError(f"multiples of {DAYS}, at least {pages.SMALLEST:,}")
    return sizes


def _kinds(text: str) -> list[str]:
    kinds = text.split(",")
    if kinds[0] != "sqlite" or not set(kinds) <= {"sqlite", "postgresql"}:
        raise argparse.ArgumentTypeError("sqlite, or sqlite,postgresql")
    return kinds


if __name__ == "__main__":
    sys.exit(main())
