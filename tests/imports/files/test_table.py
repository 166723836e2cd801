"""Rows of files."""

import gzip
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet

from portal.imports.files.content import LONGEST_LINE, Row, UnreadableFile
from portal.imports.files.table import FileKind, open_table, read_rows
from portal.rules.strict_json import Flaw

Write = Callable[..., Path]
ROWS = [{"id": "1", "model": "a, or\nb"}, {"id": "2", "model": 'the "best"'}, {"id": "3", "model": "größer; ½"}]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes a file."""

    def to_file(content: bytes | str, name: str = "usage.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


def rows_of(path: Path) -> list[Row | Flaw]:
    return list(read_rows(open_table(path), None, lambda _: None))


def flaws_of(path: Path) -> list[str]:
    return [row.reason for row in rows_of(path) if isinstance(row, Flaw)]


def as_csv(delimiter: str = ",", end: str = "\r\n") -> str:
    lines = [["id", "model"], *([row["id"], '"' + row["model"].replace('"', '""') + '"'] for row in ROWS)]
    return "".join(delimiter.join(line) + end for line in lines)


LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        pytest.param(as_csv(), FileKind.CSV, id="CSV"),
        pytest.param(as_csv(";", "\n"), FileKind.CSV, id="with semicolons"),
        pytest.param(as_csv("\t"), FileKind.CSV, id="with tabs"),
        pytest.param(as_csv("|"), FileKind.CSV, id="with bars"),
        pytest.param("sep=;\r\n" + as_csv(";"), FileKind.CSV, id="with a line that tells Excel the mark"),
        pytest.param("\ufeff" + as_csv(), FileKind.CSV, id="with a byte order mark"),
        pytest.param(as_csv().replace("id,model", '"id","model"'), FileKind.CSV, id="with names in quotes"),
        pytest.param(as_csv(";").replace("id;model", '"id";"model"'), FileKind.CSV, id="in quotes and with semicolons"),
        pytest.param("\n\n" + as_csv().strip(), FileKind.CSV, id="blank lines before it, and no end of line"),
        pytest.param(LINES, FileKind.LINES, id="JSON lines"),
        pytest.param("\ufeff\n" + LINES.replace("\n", "\r\n\r\n"), FileKind.LINES, id="with blank ones between them"),
        pytest.param(LINES.rstrip(), FileKind.LINES, id="without an end of line"),
        pytest.param(json.dumps(ROWS), FileKind.ARRAY, id="a JSON array"),
        pytest.param("\ufeff " + json.dumps(ROWS, indent=2, ensure_ascii=False), FileKind.ARRAY, id="in many lines"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzipped"])
def test_the_same_rows_of_every_kind_of_text(write: Write, content: str, kind: FileKind, packed: bool) -> None:
    path = write(gzip.compress(content.encode()) if packed else content, "usage.txt")
    table = open_table(path)
    assert (table.kind, table.columns, table.total) == (kind, ("id", "model"), path.stat().st_size)
    done: list[int] = []
    assert list(read_rows(table, None, done.append)) == ROWS == table.sample
    assert sum(done) == table.total


def test_parquet_gives_values_of_the_named_columns_only(tmp_path: Path) -> None:
    at = datetime(2026, 11, 22, 10, 0, 0, 1, tzinfo=UTC)
    columns = {
        "id": ["1", "2"],
        "tokens": pyarrow.array([1, None]),
        "at": pyarrow.array([at, at], pyarrow.timestamp("us", "UTC")),
        "exactly": pyarrow.array([1795341600000001999] * 2, pyarrow.int64()).cast(pyarrow.timestamp("ns")),
        "details": [{"cached": 1}, {"cached": 2}],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "usage")
    table = open_table(tmp_path / "usage")
    assert (table.kind, table.columns, table.total) == (FileKind.PARQUET, tuple(columns), 2)
    done: list[int] = []
    first, second = read_rows(table, None, done.append)
    assert first == {
        "id": "1",
        "tokens": 1,
        "at": at,
        "exactly": datetime(2026, 11, 22, 10, 0, 0, 1),  # noqa: DTZ001  # as the file has it
        "details": {"cached": 1},
    }
    assert isinstance(second, dict)
    assert (second["tokens"], sum(done)) == (None, 2)
    assert list(read_rows(table, {"id"}, done.append)) == [{"id": "1"}, {"id": "2"}]


def test_a_column_of_parquet_may_have_a_dot_in_its_name(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"usage.prompt": [1], "id": ["1"]}), tmp_path / "usage")
    table = open_table(tmp_path / "usage")
    assert list(read_rows(table, {"usage.prompt"}, lambda _: None)) == [{"usage.prompt": 1, "id": "1"}]


def test_numbers_of_json_are_exact(write: Write) -> None:
    assert rows_of(write('{"factor": 0.1, "tokens": 12}\n')) == [{"factor": Decimal("0.1"), "tokens": 12}]


def test_columns_of_json_lines_are_those_of_all_the_first_rows(write: Write) -> None:
    assert open_table(write('{"id": 1}\n{"id": 2, "model": "m"}\n')).columns == ("id", "model")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        pytest.param("1", "does not have 2 cells", id="too few cells"),
        pytest.param("1,m,x", "does not have 2 cells", id="too many"),
        pytest.param('"1"2,m', "quotes", id="text after a quote"),
    ],
)
def test_bad_row_of_csv_is_a_flaw_alone(write: Write, bad: str, reason: str) -> None:
    first, flaw, last = rows_of(write(f"id,model\n1,a\n{bad}\n2,b\n"))
    assert (first, last) == ({"id": "1", "model": "a"}, {"id": "2", "model": "b"})
    assert isinstance(flaw, Flaw)
    assert reason in flaw.reason


@pytest.mark.parametrize(
    "bad",
    ['{"id": ', "12", "null", "[]", "not JSON", '{"a":' * 100_000, '{"id": 1e9999999999999999999}'],
    ids=lambda text: text[:12],
)
def test_bad_line_of_json_is_a_flaw_alone(write: Write, bad: str) -> None:
    first, flaw, last = rows_of(write(f'{{"id": 1}}\n{bad}\n{{"id": 2}}\n'))
    assert (first, last) == ({"id": 1}, {"id": 2})
    assert isinstance(flaw, Flaw)


@pytest.mark.parametrize("content", ['id,model\n1,a\n2,"b', '{"id": 1}\n{"id": 2', "id,model\n1,a\n2"])
def test_a_last_line_that_is_cut_short_is_a_bad_row(write: Write, content: str) -> None:
    first, last = rows_of(write(content))
    assert isinstance(first, dict)
    assert isinstance(last, Flaw)


def test_a_byte_that_is_no_utf8_spoils_no_other_cell(write: Write) -> None:
    assert rows_of(write(b"id,model\n1,caf\xe9\n")) == [{"id": "1", "model": "caf\udce9"}]


def test_bytes_beyond_the_longest_line_are_skipped(write: Write) -> None:
    path = write(b'{"id": "' + b"x" * (2 * LONGEST_LINE) + b'"}\n{"id": 2}\n')
    flaw, row = rows_of(path)
    assert isinstance(flaw, Flaw)
    assert row == {"id": 2}


def test_array_item_may_be_longer_than_a_chunk(write: Write) -> None:
    items = [{"id": n, "text": "ü" * 1_500_000} for n in range(2)]
    assert rows_of(write(json.dumps(items, ensure_ascii=False))) == items


def test_array_items_that_are_no_objects_are_flaws_alone(write: Write) -> None:
    assert [isinstance(row, Flaw) for row in rows_of(write('[{"id": 1}, 2, [3], {"id": 4}]'))] == [
        False,
        True,
        True,
        False,
    ]


PARQUET = b"PAR1 and then nothing of it"


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        pytest.param(b"", "a.csv", "is empty", id="empty"),
        pytest.param(b"\xef\xbb\xbf \n\n", "a.csv", "is empty", id="blank"),
        pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", "a.csv", "is no text", id="a picture called CSV"),
        pytest.param(b"PK\x03\x04...", "a.csv", "Save it as CSV", id="a spreadsheet"),
        pytest.param("id,model\n1,a\n".encode("utf-16"), "a.csv", "is not UTF-8", id="UTF-16"),
        pytest.param("id,größe\n1,2\n".encode("latin-1"), "a.csv", "is no CSV in UTF-8", id="Latin-1 in its head"),
        pytest.param(b"id,model\n", "a.parquet", "is called Parquet, but is not", id="CSV called Parquet"),
        pytest.param(PARQUET, "a.parquet", "damaged or cut short", id="no whole Parquet"),
        pytest.param(b"\x1f\x8bno gzip", "a.csv.gz", "no proper gzip", id="no gzip"),
        pytest.param(b"id,id\n1,2\n", "a.csv", "has two columns with one name", id="a column named twice"),
        pytest.param(b"[1, 2]", "a.json", "no JSON objects", id="an array of numbers"),
        pytest.param(b'[{"id": 1}, {"id": 2', "a.json", "breaks off", id="an array that does not end"),
        pytest.param(b'[{"id": 1}, {"id" 2}]', "a.json", "breaks off", id="an array that is broken"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(write: Write, content: bytes, name: str, sentence: str) -> None:
    with pytest.raises(UnreadableFile, match=sentence):
        rows_of(write(content, name))


def test_cut_gzip_file_gives_the_rows_before_the_cut(write: Write) -> None:
    lines = "".join(f'{{"id": "{number:x}{number * 7919:x}"}}\n' for number in range(100_000))
    table = open_table(write(gzip.compress(lines.encode())[:-9]))
    rows = read_rows(table, None, lambda _: None)
    assert next(rows) == {"id": "00"}
    with pytest.raises(UnreadableFile, match="breaks off"):
        list(rows)


def test_parquet_with_texts_that_are_none_is_damaged(tmp_path: Path) -> None:
    text = pyarrow.Array.from_buffers(pyarrow.string(), 1, pyarrow.array([b"\xff"]).buffers())
    parquet.write_table(pyarrow.table({"id": text}), tmp_path / "usage")
    with pytest.raises(UnreadableFile, match="breaks off"):
        rows_of(tmp_path / "usage")


def test_directory_and_missing_file_raise_oserror(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        open_table(tmp_path)
    with pytest.raises(FileNotFoundError):
        open_table(tmp_path / "nothing.csv")


def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableFile, match="is no file"):
        open_table(tmp_path / "pipe")


def test_without_its_package_parquet_says_what_to_install(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(UnreadableFile, match=r"pip install '\.\[parquet\]'"):
        open_table(write(PARQUET))
