import asyncio
import codecs
import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from portal.actions.metering.notes import write_note
from portal.api import exports
from portal.api.account import usage_export
from portal.api.account.usage_export import COLUMNS
from portal.api.exports import AT_ONCE
from portal.db.sql.session import Database
from portal.db.tables import Account, UsageEvent
from portal.exports import tables
from portal.rules.spending.pricing import MAX_TOKENS
from tests.api.conftest import As
from tests.cast import NOW, Gateway, acting, report, run, send

EXPORT = "/user/api/usage/export"
DANGEROUS = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil","x")']


@pytest.fixture
def history(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Some requests of Alice, one of them would be a formula, and one of Bob."""
    send(
        gateway,
        *[
            report(f"r-{n}", requested_at=NOW - timedelta(hours=n), prompt_tokens=n, cost_factor=Decimal("1.25"))
            for n in range(30)
        ],
        *[report(f"bad-{n}", model=text, requested_at=NOW - timedelta(days=2)) for n, text in enumerate(DANGEROUS)],
        report("bobs", username="bob"),
    )
    newest = run(lambda session: session.scalars(select(UsageEvent.id).where(UsageEvent.external_id == "r-0")).one())
    run(write_note, acting(alice), newest, '=cmd|"/C calc"!A0\nsecond, "line"', NOW)


def read_csv(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(content: bytes) -> list[dict[str, Any]]:
    sheets = openpyxl.load_workbook(io.BytesIO(content), read_only=True).worksheets
    tables = [list(sheet.iter_rows(values_only=True)) for sheet in sheets]
    return [dict(zip_longest(map(str, table[0]), row)) for table in tables for row in table[1:]]


def read_jsonl(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.decode().splitlines()]


READERS = {"csv": read_csv, "xlsx": read_xlsx, "jsonl": read_jsonl}
FILTERS = [{}, {"status": "error"}, {"from": "2026-11-22"}, {"mode": "native", "order": "largest"}]


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("chosen", FILTERS, ids=str)
def test_the_rows_add_up_to_the_totals_of_the_page(
    history: None, alice: Account, as_: As, kind: str, chosen: dict[str, str]
) -> None:
    page = as_(alice).get("/user/api/usage", params={**chosen, "limit": 500}).json()
    rows = READERS[kind](as_(alice).get(EXPORT, params={**chosen, "format": kind}).content)
    assert [int(row["id"]) for row in rows] == [item["id"] for item in page["items"]]
    totals = page["totals"]
    assert sum(int(row["billable_tokens"]) for row in rows) == totals["tokens"]
    assert sum(int(row["total_tokens"]) for row in rows) == totals["total_tokens"]
    assert round(sum(Decimal(str(row["cost_eur"])) for row in rows), 9) == Decimal(totals["cost_eur"])


def test_csv_and_xlsx_have_the_same_columns(history: None, alice: Account, as_: As) -> None:
    for kind in ("csv", "xlsx"):
        rows = READERS[kind](as_(alice).get(EXPORT, params={"format": kind}).content)
        assert tuple(rows[0]) == COLUMNS


def test_json_lines_are_the_items_of_the_page_and_more(history: None, alice: Account, as_: As) -> None:
    items = as_(alice).get("/user/api/usage", params={"limit": 500}).json()["items"]
    lines = read_jsonl(as_(alice).get(EXPORT, params={"format": "jsonl"}).content)
    assert [{name: line[name] for name in items[0]} for line in lines] == items
    assert lines[0].keys() - items[0].keys() == {"cached_tokens", "reasoning_tokens", "cost_factor"}
    assert lines[0]["cost_factor"] == "1.25"


def test_a_tiny_cost_factor_is_written_out(alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report(cost_factor=Decimal("1E-12")))
    (line,) = read_jsonl(as_(alice).get(EXPORT, params={"format": "jsonl"}).content)
    assert line["cost_factor"] == "0.000000000001"


def test_an_empty_export_is_a_proper_file(charlie: Account, as_: As) -> None:
    assert as_(charlie).get(EXPORT, params={"bom": "false"}).text == ",".join(COLUMNS) + "\r\n"
    assert as_(charlie).get(EXPORT, params={"format": "jsonl"}).content == b""
    assert read_xlsx(as_(charlie).get(EXPORT, params={"format": "xlsx"}).content) == []


def test_csv_begins_with_a_byte_order_mark_for_excel(history: None, alice: Account, as_: As) -> None:
    marked, plain = (as_(alice).get(EXPORT, params=more).content for more in ({}, {"bom": "false"}))
    assert marked == codecs.BOM_UTF8 + plain
    assert plain.startswith(b"id,requested_at,")


def test_other_formats_have_no_byte_order_mark(history: None, alice: Account, as_: As) -> None:
    for kind in ("xlsx", "jsonl"):
        assert not as_(alice).get(EXPORT, params={"format": kind}).content.startswith(codecs.BOM_UTF8)


def test_no_csv_cell_is_a_formula(history: None, alice: Account, as_: As) -> None:
    rows = read_csv(as_(alice).get(EXPORT).content)
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {row["model"] for row in rows} == {"qwen3:32b", *(f"'{text}" for text in DANGEROUS)}
    assert rows[0]["note"] == '\'=cmd|"/C calc"!A0\nsecond, "line"'


def test_no_xlsx_cell_is_a_formula_and_none_is_changed(history: None, alice: Account, as_: As) -> None:
    content = as_(alice).get(EXPORT, params={"format": "xlsx"}).content
    assert b"<f>" not in ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    rows = read_xlsx(content)
    assert {row["model"] for row in rows} == {"qwen3:32b", *DANGEROUS}
    assert rows[0]["note"].startswith("=cmd")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<r><t>x</t></r>", id="XML of a rich text"),
        pytest.param('<r></r></is></c><c r="Z9"><f>1+1</f></c><c><is><r></r>', id="XML of a formula"),
        pytest.param("{=1+1}", id="array formula"),
        pytest.param("https://example.org/", id="link"),
        pytest.param("0012", id="digits"),
        pytest.param("  a &amp; <b>\tc\nd ", id="spaces and markup"),
    ],
)
def test_xlsx_text_is_kept_as_text(alice: Account, gateway: Gateway, as_: As, text: str) -> None:
    send(gateway, report(model=text.strip()))
    note = run(write_note, acting(alice), 1, text, NOW)
    content = as_(alice).get(EXPORT, params={"format": "xlsx"}).content
    sheet = ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml")
    assert b"<f>" not in sheet
    assert b"hyperlink" not in sheet
    (row,) = read_xlsx(content)
    assert (row["note"], row["model"]) == (note, text.strip())


def test_xlsx_numbers_and_instants_are_exact(alice: Account, gateway: Gateway, as_: As) -> None:
    at = NOW.replace(microsecond=125_000)
    tokens = {"prompt_tokens": MAX_TOKENS - 1, "completion_tokens": MAX_TOKENS, "cost_factor": Decimal("0.0000001")}
    send(gateway, report("large", **tokens, requested_at=at))
    send(gateway, report("small", prompt_tokens=1, completion_tokens=0))
    large, small = read_xlsx(as_(alice).get(EXPORT, params={"format": "xlsx"}).content)
    assert (large["requested_at"].replace(tzinfo=UTC), large["total_tokens"]) == (at, 2 * MAX_TOKENS - 1)
    assert (large["cost_factor"], small["cost_eur"]) == (1e-7, 2e-5)
    assert small["latency_ms"] is None


def test_xlsx_has_numbers_and_dates_not_texts(history: None, alice: Account, as_: As) -> None:
    first = read_xlsx(as_(alice).get(EXPORT, params={"format": "xlsx"}).content)[0]
    assert first["requested_at"].replace(tzinfo=UTC) == NOW
    assert isinstance(first["requested_at"], datetime)
    assert (first["billable_tokens"], first["cost_factor"], first["cost_eur"]) == (25, 1.25, 0.0005)


def test_more_rows_than_a_sheet_has_go_on_the_next(
    history: None, alice: Account, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_SHEET_ROWS", 10)
    content = as_(alice).get(EXPORT, params={"format": "xlsx"}).content
    book = openpyxl.load_workbook(io.BytesIO(content))
    assert [sheet.max_row - 1 for sheet in book.worksheets] == [10, 10, 10, 5]
    assert len({row["id"] for row in read_xlsx(content)}) == 35


def test_characters_that_xml_cannot_hold_are_replaced(alice: Account, gateway: Gateway, as_: As) -> None:
    send(gateway, report())
    run(write_note, acting(alice), 1, "a\uffffb\U0001f600", NOW)
    assert read_xlsx(as_(alice).get(EXPORT, params={"format": "xlsx"}).content)[0]["note"] == "a\ufffdb\U0001f600"


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, "moe-portal-usage-alice-2026-11-16-to-2026-11-22.csv"),
        ({"format": "xlsx", "range": "30"}, "moe-portal-usage-alice-2026-10-24-to-2026-11-22.xlsx"),
        ({"format": "jsonl", "from": "2026-11-01"}, "moe-portal-usage-alice-2026-11-01-to-2026-11-22.jsonl"),
        (
            {"budget_from": "2026-11-20", "budget_to": "2026-11-21"},
            "moe-portal-usage-alice-2026-11-20-to-2026-11-21.csv",
        ),
        ({"budget_to": "2026-11-21"}, "moe-portal-usage-alice-2026-11-21.csv"),
    ],
)
def test_the_file_is_named_after_its_person_and_days(
    alice: Account, as_: As, params: dict[str, str], name: str
) -> None:
    assert as_(alice).get(EXPORT, params=params).headers["content-disposition"] == f'attachment; filename="{name}"'


@pytest.mark.parametrize("params", [{"format": "pdf"}, {"format": ""}, {"limit": "5"}, {"cursor": "x"}, {"range": "8"}])
def test_export_with_invalid_filter_is_refused(alice: Account, as_: As, params: dict[str, str]) -> None:
    assert as_(alice).get(EXPORT, params=params).status_code == 422


def test_nobody_exports_anothers_requests(history: None, charlie: Account, as_: As) -> None:
    assert read_csv(as_(charlie).get(EXPORT).content) == []


def test_only_a_few_exports_run_at_once(alice: Account, as_: As) -> None:
    taken = [exports._slots.acquire() for _ in range(AT_ONCE)]
    try:
        answer = as_(alice).get(EXPORT)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    finally:
        for _ in taken:
            exports._slots.release()
    assert as_(alice).get(EXPORT).status_code == 200


def test_stopped_database_is_answered_before_anything_is_sent(
    alice: Account, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*asked: object) -> Iterator[object]:
        if asked:
            raise OperationalError("SELECT", {}, Exception("gone"))
        yield None

    monkeypatch.setattr(usage_export, "load_export", stopped)
    for kind in ("xlsx", "jsonl", "csv"):
        assert as_(alice).get(EXPORT, params={"format": kind}).status_code == 503


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])  # how the server tells that the reader has gone
async def test_a_reader_who_leaves_gives_everything_back(
    spec_version: str,
    history: None,
    alice: Account,
    sign_in_as: Any,
    app: ASGIApp,
    db: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "_BATCH", 1)
    sent: list[Any] = []
    has_left = asyncio.Event()

    async def receive() -> dict[str, Any]:
        await has_left.wait()
        return {"type": "http.disconnect"}

    async def send_to_nobody(message: Any) -> None:
        sent.append(message)
        if len(sent) == 5:
            assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]  # the pool of files counts
            has_left.set()
            if spec_version == "2.4":
                raise OSError("the reader has gone")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": EXPORT,
        "raw_path": EXPORT.encode(),
        "query_string": b"format=jsonl",
        "headers": [(b"host", b"testserver"), (b"cookie", f"portal_session={sign_in_as(alice)}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("testserver", 80),
    }
    with suppress(ClientDisconnect):
        await app(scope, receive, send_to_nobody)
    assert 5 <= len(sent) < 30
    assert db.engine.pool.checkedout() == 0  # type: ignore[attr-defined]  # the pool of files counts
    assert all(exports._slots.acquire(blocking=False) for _ in range(AT_ONCE))
    exports._slots.release(AT_ONCE)
