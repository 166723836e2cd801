"""Rows of what APIs answer."""

from typing import Any

import pytest

from portal.imports.files.json_rows import rows_of
from portal.rules.strict_json import Flaw

A, B = {"model": "a", "n": 1}, {"model": "b", "n": 2}


@pytest.mark.parametrize(
    ("value", "rows"),
    [
        pytest.param(A, [A], id="a row"),
        pytest.param({"data": [A, B], "has_more": True}, [A, B], id="a page"),
        pytest.param({"usageEvents": [A], "totalUsageEventsCount": 900}, [A], id="Cursor's page"),
        pytest.param({"data": {"items": [A], "total": 2}, "success": True}, [A], id="New-API's page"),
        pytest.param({"count": 1043, "next": None, "results": [A]}, [A], id="a page that says how many there are"),
        pytest.param({"data": [{"start_time": 7, "results": [A]}, {"start_time": 8, "results": []}]},
                     [{"start_time": 7, **A}], id="buckets of time"),
        pytest.param({"daily": [{"date": "2026-11-20", "inputTokens": 3, "modelBreakdowns": [A, B]}], "totals": {}},
                     [{"date": "2026-11-20", **A}, {"date": "2026-11-20", **B}], id="a sum and its parts"),
        pytest.param({"data": {"id": "g"}, "at": 7}, [{"at": 7, "id": "g"}], id="an answer about one thing"),
        pytest.param({"model": "a", "data": [B]}, [{"model": "a", "data": [B]}], id="a row that has a list"),
        pytest.param({"messages": [A]}, [{"messages": [A]}], id="a list of another name"),
        pytest.param(7, [Flaw("A row is a JSON object.")], id="no object"),
    ],
)  # fmt: skip
def test_rows(value: Any, rows: list[Any]) -> None:
    assert list(rows_of(value)) == rows


def test_a_day_of_litellm_is_given_by_model_and_key() -> None:
    models = {
        "a": {"metrics": {"n": 3}, "api_key_breakdown": {"k1": {"metrics": {"n": 1}}, "k2": {"metrics": {"n": 2}}}},
        "b": {"metrics": {"n": 4}, "api_key_breakdown": {}},
    }
    page = {"results": [{"date": "2026-11-20", "metrics": {"n": 7}, "breakdown": {"models": models}}], "metadata": {}}
    assert list(rows_of(page)) == [
        {"date": "2026-11-20", "model": "a", "api_key": "k1", "n": 1},
        {"date": "2026-11-20", "model": "a", "api_key": "k2", "n": 2},
        {"date": "2026-11-20", "model": "b", "n": 4},
    ]


def test_pages_in_one_another_come_to_an_end() -> None:
    value: dict[str, Any] = {"id": "r"}
    for _ in range(900):
        value = {"data": value}
    assert len(list(rows_of(value))) == 1
