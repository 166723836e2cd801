"""The list of held events: what it finds, in which order, and page by page."""

import pytest

from portal.actions.metering.held import dismiss_held
from portal.db.metering.held_list import HeldRow, held_numbers
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.rules.metering.held_list import HELD_LIST
from portal.views.metering.held import load_held_list, load_held_rows
from tests.cast import NOW, OPERATOR, Gateway, new_gateway, report, run, send


@pytest.fixture
def held(alice: Account, gateway: Gateway) -> None:
    """Three events that wait, the second of another gateway, and a settled one."""
    send(gateway, report("r-1"), report("lost-1", key_hash="e" * 64, model="gpt-4o", requested_at=NOW))
    send(new_gateway("other"), report("lost-2", username="Nobody"))
    send(gateway, report("r-1", prompt_tokens=1))
    send(gateway, report("done", username="nobody"))
    run(dismiss_held, OPERATOR, max(run(held_numbers, HELD_LIST.parse({}), 0, 9)), NOW)


def found(**params: str) -> list[HeldRow]:
    return run_in_reading(lambda session: list(load_held_rows(session, OPERATOR, HELD_LIST.parse(params))))


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        pytest.param({}, ["r-1", "lost-2", "lost-1"], id="newest first"),
        pytest.param({"sort": "received"}, ["lost-1", "lost-2", "r-1"], id="oldest first"),
        pytest.param({"sort": "gateway"}, ["lost-1", "r-1", "lost-2"], id="by gateway"),
        pytest.param({"search": "LOST"}, ["lost-2", "lost-1"], id="part of the id"),
        pytest.param({"search": "gpt-4"}, ["lost-1"], id="part of the model"),
        pytest.param({"search": "nobody"}, ["lost-2"], id="user name"),
        pytest.param({"search": "eeee"}, ["lost-1"], id="digest of the key"),
        pytest.param({"search": "prompt_tokens"}, [], id="not a name of the report"),
        pytest.param({"gateway": "other"}, ["lost-2"], id="gateway"),
        pytest.param({"reason": "conflict"}, ["r-1"], id="reason"),
        pytest.param({"state": "settled"}, ["done"], id="settled"),
        pytest.param({"state": "all", "search": "nobody"}, ["done", "lost-2"], id="all"),
    ],
)
def test_list_has_what_is_filtered(held: None, params: dict[str, str], ids: list[str]) -> None:
    assert [row.id for row in found(**params)] == ids
    wanted = HELD_LIST.parse(params)
    assert sorted(run(held_numbers, wanted, 0, 9)) == sorted(row.number for row in found(**params))
    first = run_in_reading(load_held_list, OPERATOR, wanted, NOW, 1)
    assert (first.total, [row.id for row in first.rows]) == (len(ids), ids[:1])


def test_row_names_the_owner_without_a_secret(held: None) -> None:
    (row,) = found(search="lost-1")
    assert (row.model, row.username, row.key, row.tokens) == ("gpt-4o", None, "e" * 12, 120)
    assert (row.gateway, row.requested_at, row.received_at, row.settled_at) == ("moe-1", NOW, NOW, None)


def test_pages_follow_each_other(held: None) -> None:
    wanted = HELD_LIST.parse({})
    first = run_in_reading(load_held_list, OPERATOR, wanted, NOW, 2)
    second = run_in_reading(load_held_list, OPERATOR, wanted, NOW, 2, first.on)
    assert [row.id for row in first.rows + second.rows] == ["r-1", "lost-2", "lost-1"]
    assert (second.before, second.on) == (2, None)
