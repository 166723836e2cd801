"""Lists of texts as one parameter."""

from pathlib import Path
from typing import Any

import pytest

from portal.db import templates
from portal.db.metering import attribution, events, held
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database


@pytest.mark.parametrize(
    ("query", "index"),
    [
        pytest.param(attribution._BY_KEY, "autoindex_api_keys", id="keys"),
        pytest.param(attribution._BY_NAME, "autoindex_accounts", id="user names"),
        pytest.param(held._WAITING, "autoindex_held_events", id="held events"),
        pytest.param(events._FINGERPRINTS, "autoindex_usage_events", id="events"),
        pytest.param(templates._COST_FACTORS, "autoindex_expert_templates", id="templates"),
    ],
)
def test_sqlite_looks_a_list_up_in_an_index(tmp_path: Path, query: Any, index: str) -> None:
    database = Database(f"sqlite:///{tmp_path / 'portal.sqlite3'}")
    migrate(database)
    with database.transaction() as session:
        compiled = query.compile(session.connection())
        values = {name: value or "[]" for name, value in compiled.params.items()}
        plan = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
    database.close()
    steps = [str(row[-1]) for row in plan]
    assert [step for step in steps if step.startswith("SCAN ") and "json_each" not in step] == []
    [searched, *_] = [step for step in steps if step.startswith("SEARCH ")]
    assert index in searched
