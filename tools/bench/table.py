"""Write figures as a table, as JSON, and as Markdown for docs/performance.md."""

import json
import os
import platform
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from portal.db.sql.session import sqlite_module  # the chosen SQLite library is part of the result
from tools.bench.figures import Figure

HEADINGS = ("What", "Measured", "Floor", "Ratio", "Goal", "Met")
MET = {True: "yes", False: "no", None: ""}


def machine() -> dict[str, str | int]:
    """Return the versions and the number of cores of this machine."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite_module().sqlite_version,
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 0,
    }


def cells(figure: Figure) -> tuple[str, ...]:
    """Return a figure as the texts of a row."""
    ratio = figure.ratio
    return (
        figure.name,
        f"{_number(figure.value)} {figure.unit}",
        "" if figure.floor is None else f"{_number(figure.floor)} ({figure.floor_is})",
        "" if ratio is None else f"{ratio:.2f}",
        "" if figure.goal is None else str(figure.goal),
        MET[figure.is_met],
    )


def show(figures: Sequence[Figure]) -> None:
    """Print the table, and which goals were missed."""
    table = Table(*HEADINGS, title=", ".join(f"{name} {value}" for name, value in machine().items()))
    for figure in figures:
        table.add_row(*cells(figure), style="red" if figure.is_met is False else None)
    console = Console(width=None if os.isatty(1) else 160)
    console.print(table)
    missed = [figure.name for figure in figures if figure.is_met is False]
    console.print("Every goal is met." if not missed else "Missed: " + "; ".join(missed))


def as_markdown(figures: Sequence[Figure]) -> str:
    """Return the table for docs/performance.md."""
    rows = [HEADINGS, ("---", "---:", "---:", "---:", "---:", "---"), *map(cells, figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def as_json(figures: Sequence[Figure]) -> str:
    """Return the machine and all figures as JSON."""
    return json.dumps({"machine": machine(), "figures": [_plain(figure) for figure in figures]}, indent=2) + "\n"


def _plain(figure: Figure) -> dict[str, Any]:
    return {
        "name": figure.name,
        "unit": figure.unit,
        "value": figure.value,
        "floor": figure.floor,
        "floor_is": figure.floor_is or None,
        "ratio": figure.ratio,
        "goal": None if figure.goal is None else str(figure.goal),
        "met": figure.is_met,
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
