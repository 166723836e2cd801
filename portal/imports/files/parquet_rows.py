"""Rows of Parquet, read with an optional package."""

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from portal.errors import how_to_install
from portal.imports.files.content import PROGRESS_EVERY, Advance, Row, UnreadableFile


def _arrow() -> Any:
    """Return the package that reads Parquet. Raises UnreadableFile if it is missing."""
    try:
        import pyarrow.parquet  # type: ignore[import-untyped]  # noqa: PLC0415  # large, and an extra
    except ImportError:
        how = how_to_install("parquet")
        raise UnreadableFile(f"is Parquet, and the package that reads it is missing. {how}") from None
    return pyarrow


def open_parquet(path: Path) -> Any:
    """Return a Parquet file, opened. Raises UnreadableFile."""
    arrow = _arrow()
    try:
        return arrow.parquet.ParquetFile(path)
    except (arrow.ArrowException, OSError):
        raise UnreadableFile("is Parquet, but damaged or cut short.") from None


def parquet_rows(path: Path, columns: Collection[str] | None, advance: Advance) -> Iterator[Row]:
    """Yield the rows, with the named columns only. Raises UnreadableFile."""
    arrow = _arrow()
    names = set(open_parquet(path).schema_arrow.names)
    has_paths = any("." in name for name in names)  # a dot in a name means a part of a column
    wanted = None if columns is None or has_paths else [name for name in columns if name in names]
    try:
        for batch in open_parquet(path).iter_batches(PROGRESS_EVERY, columns=wanted, use_threads=False):
            yield from _to_microseconds(arrow, batch).to_pylist(maps_as_pydicts="lossy")
            advance(batch.num_rows)
    except (arrow.ArrowException, OSError, UnicodeDecodeError):
        raise UnreadableFile("breaks off: the Parquet file is damaged.") from None


def _to_microseconds(arrow: Any, batch: Any) -> Any:
    """Return rows with instants in microseconds, since Python has no nanoseconds."""
    for place, field in enumerate(batch.schema):
        if arrow.types.is_timestamp(field.type) and field.type.unit == "ns":
            micros = arrow.timestamp("us", field.type.tz)
            batch = batch.set_column(place, field.with_type(micros), batch.column(place).cast(micros, safe=False))
    return batch
