"""One page of requests knows where in the list it stands, however it was reached."""

import base64
import json
from datetime import timedelta

import pytest

from portal.db.tables import Account
from portal.errors import InvalidInput, NotFound
from portal.rules.usage import Order, UsageFilter
from portal.views.usage import UsageView, is_cursor, load_usage, load_usage_row
from tests.cast import NOW, Gateway, report, run, send, viewer_of


def page(account: Account, cursor: str | None, order: Order = Order.NEWEST) -> UsageView:
    return run(load_usage, viewer_of(account), UsageFilter(order=order), NOW, 2, cursor)


def models(view: UsageView) -> list[str]:
    return [row.model for row in view.rows]


@pytest.fixture
def five(alice: Account, bob: Account, gateway: Gateway) -> None:
    """Five of Alice's requests, the newest the smallest, with one of Bob's between each two."""
    for n in range(5):
        at, tokens = NOW - timedelta(minutes=n), 10 * n
        send(
            gateway,
            report(f"a-{n}", model=f"a{n}", requested_at=at, prompt_tokens=tokens),
            report(f"b-{n}", model=f"b{n}", requested_at=at, prompt_tokens=tokens, username="bob"),
        )


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        pytest.param(Order.NEWEST, ["a0", "a1", "a2", "a3", "a4"], id="newest"),
        pytest.param(Order.OLDEST, ["a4", "a3", "a2", "a1", "a0"], id="oldest"),
        pytest.param(Order.LARGEST, ["a4", "a3", "a2", "a1", "a0"], id="largest"),
    ],
)
def test_pages_there_and_back(five: None, alice: Account, order: Order, expected: list[str]) -> None:
    first = page(alice, None, order)
    second = page(alice, first.older, order)
    third = page(alice, second.older, order)
    assert [models(view) for view in (first, second, third)] == [expected[:2], expected[2:4], expected[4:]]
    assert [view.before for view in (first, second, third)] == [0, 2, 4]
    assert (first.newer, third.older) == (None, None)
    back = page(alice, third.newer, order)
    assert (models(back), back.before) == (expected[2:4], 2)
    assert (models(page(alice, back.newer, order)), page(alice, back.newer, order).newer) == (expected[:2], None)
    assert {view.totals.requests for view in (first, second, third, back)} == {5}


def test_a_page_keeps_its_rows_when_newer_ones_arrive_and_knows_its_new_place(
    five: None, alice: Account, gateway: Gateway
) -> None:
    cursor = page(alice, None).older
    send(gateway, report("a-9", model="new", requested_at=NOW + timedelta(seconds=1)))
    second = page(alice, cursor)
    assert (models(second), second.before, second.totals.requests) == (["a2", "a3"], 3, 6)


def test_another_accounts_cursor_is_a_place_in_ones_own_list(five: None, alice: Account, bob: Account) -> None:
    second = page(alice, page(bob, None).older)
    assert all(model.startswith("a") for model in models(second))


def test_a_cursor_past_the_end_leads_to_no_rows(five: None, alice: Account, charlie: Account) -> None:
    past = page(charlie, page(alice, None).older)
    assert (past.rows, past.before, past.newer, past.older) == ((), 0, None, None)


def cursor_of(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(cursor_of("newest", "after", "2026-11-22T14:05:00+00:00", 1), True, id="one of this order"),
        pytest.param(cursor_of("oldest", "after", "2026-11-22T14:05:00+00:00", 1), False, id="one of another order"),
        pytest.param(cursor_of("newest", "beside", "2026-11-22T14:05:00+00:00", 1), False, id="a way that is none"),
        pytest.param(cursor_of("newest", "after", "yesterday", 1), False, id="no instant"),
        pytest.param(cursor_of("newest", "after", "0001-01-01T00:00:00+14:00", 1), False, id="before all instants"),
        pytest.param(cursor_of("newest", "after", 7, 1), False, id="a number"),
        pytest.param(cursor_of("newest", "after", "2026-11-22T14:05:00+00:00", 0), False, id="an id that is none"),
        pytest.param(cursor_of("newest", "after", "2026-11-22T14:05:00+00:00", 2**63), False, id="too large an id"),
        pytest.param(cursor_of("newest"), False, id="too short"),
        pytest.param("!!!", False, id="no base64"),
        pytest.param("ü", False, id="no ASCII"),
    ],
)
def test_is_cursor(text: str, expected: bool) -> None:
    assert is_cursor(text, Order.NEWEST) is expected


def test_a_malformed_cursor_is_refused(alice: Account) -> None:
    with pytest.raises(InvalidInput, match="cursor"):
        page(alice, "!!!")


def test_one_request_is_shown_to_its_owner_alone(five: None, alice: Account, bob: Account) -> None:
    (row, *_) = page(alice, None).rows
    assert run(load_usage_row, viewer_of(alice), row.id).model == "a0"
    with pytest.raises(NotFound, match="no such request"):
        run(load_usage_row, viewer_of(bob), row.id)
