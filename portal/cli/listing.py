"""Lists and other results, as a table for people and as JSON for programs.

Decision: the JSON is documented in the help of each command and stays compatible. Keys are those of the API; tokens are
integers, rates and amounts of money decimal strings, instants ISO 8601 in UTC, and missing values null.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated

import typer

from portal.cli.console import example, show_table, shown
from portal.rules.lists import ListFilter, ListRules
from portal.rules.metering.usage import InvalidFilter

Record = Mapping[str, object]
Cell = str | Callable[[Record], object]
"""A column of a table: the key of a record, or a function that returns the cell of a record."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as described below, in place of a table.")]


Search = Annotated[str, typer.Option(help="Only rows with this part of a text, in upper or lower case.")]
Sort = Annotated[
    str, typer.Option(metavar="COLUMN", help="Sort by a column; a minus before it means descending: --sort=-cost.")
]


def read_filter(rules: ListRules, **params: str) -> ListFilter:
    """Return the filter of a list from options. Raises BadParameter."""
    try:
        return rules.parse(params)
    except InvalidFilter as error:
        raise typer.BadParameter(str(error.sentence), param_hint=f"--{error.field.replace('_', '-')}") from None


def listing(*lines: str, fields: str) -> str:
    """Return an epilog with examples, and the `fields` of the objects in the JSON list."""
    return f"{example(*lines)}\n\nJSON: a list of objects with {fields}. {_FORMS}"


def answer(*lines: str, fields: str) -> str:
    """Return an epilog with examples, and the `fields` of the JSON object."""
    return f"{example(*lines)}\n\nJSON: an object with {fields}. {_FORMS}"


_FORMS = "Tokens are integers, rates and money decimal strings, instants ISO 8601 in UTC."


def show_list(records: Sequence[Record], columns: Mapping[str, Cell], *, as_json: bool) -> None:
    """Print records on stdout, as a table with these columns or as JSON."""
    if as_json:
        show_json(records)
        return
    show_table(tuple(columns), [[_cell(record, column) for column in columns.values()] for record in records])


def show_json(value: object) -> None:
    """Print a value on stdout as JSON."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _cell(record: Record, column: Cell) -> object:
    value = record[column] if isinstance(column, str) else column(record)
    match value:
        case None:
            return "–"
        case datetime():
            return shown(value)
        case Decimal():
            return f"{value:f}"
        case bool():
            return "yes" if value else "no"
        case _:
            return value


def _plain(value: object) -> str:
    """Return an instant, a day or a decimal number as a JSON string."""
    match value:
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case Decimal():
            return f"{value:f}"
        case _:
            raise TypeError(f"{type(value).__name__} has no form in JSON")
