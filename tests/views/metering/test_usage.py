"""Usage history: pages and their cursors, filters in two zones, and nobody else's requests."""

import base64
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from portal.actions.metering.notes import write_note
from portal.actions.people.keys import NewKey
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, UsageEvent
from portal.errors import InvalidInput, NotFound
from portal.rules.metering.usage import Order, Status, UsageFilter
from portal.rules.people.secrets import digest
from portal.views.metering.usage import UsageView, is_cursor, load_export, load_usage, load_usage_row
from tests.cast import NOW, Gateway, acting, create_member, report, run, send, viewer_of

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
ORDERS = pytest.mark.parametrize("order", Order, ids=lambda order: order.value)


PLAIN = UsageFilter()


def page(who: Account, wanted: UsageFilter = PLAIN, limit: int = 50, cursor: str | None = None) -> UsageView:
    return run(load_usage, viewer_of(who), wanted, NOW, limit, cursor)


def models(view: UsageView) -> list[str]:
    return [row.model for row in view.rows]


@pytest.fixture
def used(alice: Account, bob: Account, alices_key: NewKey, bobs_key: NewKey, gateway: Gateway) -> None:
    """Ten requests of each, two by two at one instant and of one size."""
    for who, key in (("a", alices_key), ("b", bobs_key)):
        send(
            gateway,
            *(
                report(
                    f"{who}{n}",
                    key_hash=digest(key.secret),
                    model=f"{who}{n}",
                    mode=f"mode-{who}-{n % 2}",
                    status=("ok", "error")[n % 5 == 0],
                    prompt_tokens=n // 2 * 7 % 5,
                    requested_at=NOW - n // 2 * HOUR,
                )
                for n in range(10)
            ),
        )


@ORDERS
@pytest.mark.parametrize("limit", [1, 3, 10, 11])
def test_cursors_lead_to_the_end_and_back(used: None, alice: Account, order: Order, limit: int) -> None:
    wanted = UsageFilter(order=order)
    everything = page(alice, wanted, 500).rows
    there: list[UsageView] = [page(alice, wanted, limit)]
    while there[-1].older is not None and len(there) < 20:
        there.append(page(alice, wanted, limit, there[-1].older))
    assert [row for view in there for row in view.rows] == list(everything)
    assert [view.before for view in there] == [n * limit for n in range(len(there))]
    assert there[0].newer is None

    back = [there[-1]]
    while back[-1].newer is not None and len(back) < 20:
        back.append(page(alice, wanted, limit, back[-1].newer))
    assert [(view.rows, view.before) for view in back[::-1]] == [(view.rows, view.before) for view in there]


def test_totals_and_modes_are_those_of_the_whole_set(used: None, alice: Account) -> None:
    first = page(alice, limit=3)
    assert len(first.rows) == 3
    assert first.totals.requests == 10
    assert first.totals == page(alice, limit=3, cursor=first.older).totals
    assert first.modes == ("mode-a-0", "mode-a-1")
    of_mode = page(alice, UsageFilter(mode="mode-a-0"))
    assert (of_mode.totals.requests, of_mode.modes) == (5, first.modes)


def test_nobody_sees_anothers_requests(used: None, alice: Account, bob: Account, charlie: Account) -> None:
    assert {model[0] for model in models(page(alice))} == {"a"}
    assert {model[0] for model in models(page(bob))} == {"b"}
    nothing = page(charlie)
    assert (nothing.rows, nothing.totals.requests, nothing.modes) == ((), 0, ())
    assert (nothing.before, nothing.newer, nothing.older) == (0, None, None)
    assert models(page(bob, UsageFilter(token_name="Alice"))) == []
    assert page(bob, UsageFilter(token_name="Alice")).totals.requests == 0


def test_anothers_cursor_shows_ones_own_requests(used: None, alice: Account, bob: Account) -> None:
    """A cursor is a place in an order, not a permission."""
    assert {model[0] for model in models(page(bob, limit=50, cursor=page(alice, limit=3).older))} == {"b"}


def test_page_keeps_its_rows_when_newer_ones_arrive(used: None, alice: Account, gateway: Gateway) -> None:
    second = page(alice, limit=5).older
    before = page(alice, limit=5, cursor=second)
    send(gateway, report("new", requested_at=NOW + timedelta(seconds=1)))
    after = page(alice, limit=5, cursor=second)
    assert after.rows == before.rows
    assert (after.before, after.totals.requests) == (before.before + 1, before.totals.requests + 1)


def test_a_page_that_has_become_empty_leads_nowhere(used: None, alice: Account) -> None:
    second = page(alice, limit=5).older
    view = page(alice, UsageFilter(mode="no such mode"), cursor=second)
    assert (view.rows, view.before, view.newer, view.older) == ((), 0, None, None)


def test_one_request_is_its_owners(used: None, alice: Account, bob: Account) -> None:
    (row, *_) = page(alice).rows
    run(write_note, acting(alice), row.id, "Why?", NOW)
    assert run(load_usage_row, viewer_of(alice), row.id).note == "Why?"
    sentences = set()
    for usage_id in (row.id, 2**62):
        with pytest.raises(NotFound, match="no such request") as caught:
            run(load_usage_row, viewer_of(bob), usage_id)
        sentences.add(caught.value.detail)
    assert len(sentences) == 1


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(UsageFilter(), 10, id="everything"),
        pytest.param(UsageFilter(token_name="ALICE'S"), 10, id="part of the label"),
        pytest.param(UsageFilter(token_name="moe-SK-"), 10, id="part of the prefix"),
        pytest.param(UsageFilter(token_name="%"), 0, id="no pattern"),
        pytest.param(UsageFilter(status=Status.ERROR), 2, id="errors"),
        pytest.param(UsageFilter(status=Status.OK), 8, id="successes"),
        pytest.param(UsageFilter(model="a3"), 1, id="a model"),
        pytest.param(UsageFilter(mode="mode-a-1", status=Status.ERROR), 1, id="two at once"),
    ],
)
def test_filters(used: None, alice: Account, wanted: UsageFilter, found: int) -> None:
    view = page(alice, wanted)
    assert len(view.rows) == view.totals.requests == found


def test_usage_without_a_key_is_not_found_by_a_keys_name(used: None, alice: Account, gateway: Gateway) -> None:
    send(gateway, report("named", username="alice", model="named"))
    assert "named" in models(page(alice))
    assert "named" not in models(page(alice, UsageFilter(token_name="moe-sk-")))


@ORDERS
def test_an_export_is_the_whole_set_in_its_order(used: None, alice: Account, order: Order) -> None:
    wanted = UsageFilter(status=Status.OK, order=order)
    exported = run_in_reading(lambda session: list(load_export(session, viewer_of(alice), wanted, NOW)))
    assert exported == list(page(alice, wanted, 500).rows)


def test_filter_uses_days_of_account_and_of_portal(alice: Account, gateway: Gateway, settings_env) -> None:
    """The 29th of March has 23 hours in Alice's Berlin and 24 in New York, where budgets are counted."""
    settings_env(budget_timezone="America/New_York")
    berlin = datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 22, tzinfo=UTC)
    new_york = datetime(2026, 3, 29, 4, tzinfo=UTC), datetime(2026, 3, 30, 4, tzinfo=UTC)
    for name, (start, end) in {"berlin": berlin, "new york": new_york}.items():
        send(
            gateway,
            report(f"{name} 1", model=f"{name}: just before", requested_at=start - MICROSECOND),
            report(f"{name} 2", model=f"{name}: first", requested_at=start),
            report(f"{name} 3", model=f"{name}: last", requested_at=end - MICROSECOND),
            report(f"{name} 4", model=f"{name}: just after", requested_at=end),
        )
    day = date(2026, 3, 29)
    own = UsageFilter(from_day=day, to_day=day, order=Order.OLDEST)
    assert models(page(alice, own)) == [
        "berlin: first",
        "new york: just before",
        "new york: first",
        "berlin: last",
    ]
    budget = UsageFilter(budget_from=day, budget_to=day, order=Order.OLDEST)
    assert models(page(alice, budget)) == [
        "new york: first",
        "berlin: last",
        "berlin: just after",
        "new york: last",
    ]


def test_without_a_zone_of_its_own_an_account_has_the_portals(db: Database, gateway: Gateway, settings_env) -> None:
    settings_env(budget_timezone="Asia/Tokyo")
    dora = create_member("dora", time_zone=None)
    send(gateway, report(username="dora", requested_at=datetime(2026, 3, 28, 15, tzinfo=UTC)))
    day = date(2026, 3, 29)
    assert len(page(dora, UsageFilter(from_day=day, to_day=day)).rows) == 1


# Cursors


def cursor(*parts: object) -> str:
    """Return what a list would give for these parts, right or wrong."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


AT = NOW.isoformat()


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x", id="a letter"),
        pytest.param("!!!!", id="not base64"),
        pytest.param("====", id="only padding"),
        pytest.param("ä", id="not ASCII"),
        pytest.param("\ud800", id="half a character"),
        pytest.param("\x00", id="NUL"),
        pytest.param("AAAA", id="not JSON"),
        pytest.param(base64.urlsafe_b64encode(b"[" * 100_000).decode(), id="100,000 brackets"),
        pytest.param(base64.urlsafe_b64encode(b"9" * 5_000).decode(), id="a number of 5,000 digits"),
        pytest.param(base64.urlsafe_b64encode(b"\xff\xfe\xfd\xfc").decode(), id="not text"),
        pytest.param(cursor(), id="nothing"),
        pytest.param(cursor("newest", "after", AT), id="a part missing"),
        pytest.param(cursor("newest", "after", AT, 1, 1), id="a part too many"),
        pytest.param(cursor("oldest", "after", AT, 1), id="of another order"),
        pytest.param(cursor("largest", "after", 1, 1), id="of another kind of order"),
        pytest.param(cursor(["newest"], "after", AT, 1), id="an order that is a list"),
        pytest.param(cursor("newest", "beside", AT, 1), id="another way"),
        pytest.param(cursor("newest", ["after"], AT, 1), id="a way that is a list"),
        pytest.param(cursor("newest", None, AT, 1), id="no way"),
        pytest.param(cursor("newest", "after", 1, 1), id="a number for an instant"),
        pytest.param(cursor("newest", "after", "yesterday", 1), id="a word for an instant"),
        pytest.param(cursor("newest", "after", "2026-11-22", 1), id="a day for an instant"),
        pytest.param(cursor("newest", "after", "2026-11-22T10:00:00", 1), id="an instant without zone"),
        pytest.param(cursor("newest", "after", "0001-01-01T00:00:00+23:59", 1), id="before all time"),
        pytest.param(cursor("newest", "after", "9999-12-31T23:59:59-23:59", 1), id="after all time"),
        pytest.param(cursor("newest", "after", "1899-12-31T23:59:59+00:00", 1), id="before the first year"),
        pytest.param(cursor("newest", "after", "3000-01-01T00:00:00+00:00", 1), id="after the last year"),
        pytest.param(cursor("newest", "after", None, 1), id="no instant"),
        pytest.param(cursor("newest", "after", AT, "1"), id="an id that is text"),
        pytest.param(cursor("newest", "after", AT, True), id="an id that is true"),
        pytest.param(cursor("newest", "after", AT, 1.0), id="an id with decimals"),
        pytest.param(cursor("newest", "after", AT, 0), id="the id 0"),
        pytest.param(cursor("newest", "after", AT, -1), id="a negative id"),
        pytest.param(cursor("newest", "after", AT, 2**63), id="an id beyond 64 bits"),
        pytest.param(cursor("newest", "after", AT, float("nan")), id="an id that is not a number"),
    ],
)
def test_a_malformed_cursor_is_bad_input(charlie: Account, text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        page(charlie, cursor=text)
    assert caught.value.field == "cursor"
    assert not is_cursor(text, Order.NEWEST)


@pytest.mark.parametrize("value", [-1, 2**63, 1.5, True, "1", None, AT])
def test_a_malformed_size_is_bad_input(charlie: Account, value: object) -> None:
    with pytest.raises(InvalidInput):
        page(charlie, UsageFilter(order=Order.LARGEST), cursor=cursor("largest", "after", value, 1))


@pytest.mark.parametrize("text", ["", None])
def test_no_cursor_is_the_first_page(used: None, alice: Account, text: str | None) -> None:
    assert page(alice, cursor=text) == page(alice)


@pytest.mark.parametrize(
    "at", ["1900-01-01T00:00:00+00:00", "2999-12-31T23:59:59.999999+00:00", "2026-11-22T10:00:00+23:59"]
)
@pytest.mark.parametrize("way", ["before", "after"])
def test_any_instant_is_a_place(used: None, alice: Account, at: str, way: str) -> None:
    assert is_cursor(cursor("newest", way, at, 2**63 - 1), Order.NEWEST)
    assert len(page(alice, limit=500, cursor=cursor("newest", way, at, 2**63 - 1)).rows) <= 10


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["newest", "after", AT]),
    lambda children: st.lists(children, max_size=5) | st.dictionaries(st.text(), children, max_size=5),
    max_leaves=8,
)
SHAPED = st.tuples(
    st.sampled_from([*Order]) | JSON,
    st.sampled_from(["before", "after"]) | JSON,
    st.datetimes(timezones=st.timezones()).map(datetime.isoformat) | st.integers() | JSON,
    st.integers() | JSON,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    text=st.text(max_size=200)
    | st.binary(max_size=200).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
    | JSON.map(lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).decode())
    | SHAPED.map(lambda parts: cursor(*parts)),
    order=st.sampled_from(Order),
)
def test_whatever_a_cursor_says_it_is_a_place_or_bad_input(used: None, alice: Account, text: str, order: Order) -> None:
    try:
        view = page(alice, UsageFilter(order=order), cursor=text)
    except InvalidInput:
        is_place = False
    else:
        is_place = True
        assert {model[0] for model in models(view)} <= {"a"}
    assert is_cursor(text, order) is is_place


def test_every_cursor_given_is_taken(used: None, alice: Account) -> None:
    ids = run(lambda session: list(session.scalars(select(UsageEvent.id))))
    assert len(ids) == 20
    for order in Order:
        view = page(alice, UsageFilter(order=order), 5)
        assert view.older is not None
        assert is_cursor(view.older, order)
        assert view.older.isascii()
        assert not set(view.older) & set("+/=")
