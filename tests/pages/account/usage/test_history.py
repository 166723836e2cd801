"""Usage History: the address has the filter, the sums are those of all filtered requests, and notes are private."""

import asyncio
import re
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
import time_machine
from nicegui import ui
from nicegui.element import Element
from nicegui.functions.navigate import History
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.metering.pruning import prune_account
from portal.actions.people.keys import NewKey, create_key
from portal.db.metering.notes import set_note
from portal.db.metering.usage import Selection, UsageRow, usage_page
from portal.db.sql.session import in_reading, in_transaction
from portal.db.tables import Account
from portal.errors import Unavailable
from portal.pages.account.usage import note_dialog
from portal.pages.account.usage.history import LISTING
from portal.pages.components import listing, live
from portal.pages.components.listing import Place
from portal.pages.components.table import DataTable
from portal.rules.metering.usage import Order, Status, UsageFilter
from portal.rules.people.secrets import digest
from tests.cast import NOW, Gateway, acting, report, run, send
from tests.pages.screen import elements, tagged, texts, until

HEADINGS = ["Timestamp", "Model / Template", "API Key", "Mode", "Prompt", "Completion", "Total", "Status", "Note"]


PAGE = "/user/usage"
pytestmark = pytest.mark.usefixtures("no_feeds", "addresses")


@pytest.fixture(autouse=True)
def moving_afternoon() -> Iterator[None]:
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses with which the page has replaced its own."""
    seen: list[str] = []
    monkeypatch.setattr(History, "replace", lambda _, url: seen.append(url))
    return seen


@pytest.fixture
def requests(alice: Account, bob: Account, gateway: Gateway, alices_key: NewKey, bobs_key: NewKey) -> None:
    """Five of Alice's requests over 40 days, and one of Bob's that looks like hers."""
    ci = run(create_key, acting(alice), alice.id, "CI agents", None, NOW)
    send(
        gateway,
        report(
            "a-1",
            key_hash=digest(alices_key.secret),
            model="today",
            provider_model="vllm/today-7b",
            template="research-de",
            cost_factor=Decimal(2),
        ),
        report("a-2", model="yesterday", mode="moe_reasoning", requested_at=NOW - timedelta(days=1)),
        report("a-3", model="failed", status="504 timeout", requested_at=NOW - timedelta(days=2)),
        report("a-4", model="ci", key_hash=digest(ci.secret), requested_at=NOW - timedelta(days=3), prompt_tokens=9000),
        report("a-5", model="old", requested_at=NOW - timedelta(days=40)),
        report("b-1", model="bobs", key_hash=digest(bobs_key.secret), requested_at=NOW - timedelta(hours=1)),
    )


def table(visitor: User) -> DataTable:
    (found,) = (element for element in elements(visitor) if isinstance(element, DataTable))
    return found


def models(visitor: User) -> list[str]:
    return [row["model"] for row in table(visitor).rows]


def totals(visitor: User) -> dict[str, str]:
    texts = [e.text for e in tagged(visitor, "usage-totals").descendants() if isinstance(e, ui.label)]
    return dict(zip(texts[::2], texts[1::2], strict=True))


def field(visitor: User, name: str) -> Any:
    (found,) = (e for e in tagged(visitor, f"filter-{name}").descendants() if isinstance(e, ui.input | ui.select))
    return found


def enter(visitor: User, name: str, text: str) -> None:
    """Fill a field as a browser does: with its whole new text at once."""
    with visitor:
        field(visitor, name).value = text


def labelled(visitor: User, name: str) -> Element:
    (found,) = (element for element in elements(visitor) if element.props.get("aria-label") == name)
    return found


def press(visitor: User, *pressed: Element) -> None:
    UserInteraction(visitor, set(pressed), None).click()


def own(account: Account) -> list[UsageRow]:
    whole = Selection(NOW - timedelta(days=90), NOW + timedelta(days=1))
    return run(usage_page, account.id, whole, Order.NEWEST, 100)


def note_on(account: Account, model: str) -> str | None:
    (row,) = (row for row in own(account) if row.model == model)
    return row.note


async def shows(visitor: User, *expected: str) -> None:
    """Wait until the figures are shown, and the table has rows of exactly these models."""
    for _ in range(200):
        if totals(visitor)["Requests"] and models(visitor) == list(expected):
            return
        await asyncio.sleep(0.01)
    assert models(visitor) == list(expected)


async def edit(visitor: User, usage_id: object) -> None:
    """Press the edit button of a row: the browser sends the id."""
    visitor.find(kind=DataTable).trigger("edit", usage_id)
    await asyncio.sleep(0.1)


def id_of(account: Account, model: str) -> int:
    (found,) = (row.id for row in own(account) if row.model == model)
    return found


def text_of_note(visitor: User) -> Any:
    return labelled(visitor, "Note text")


async def write(visitor: User, text: str) -> None:
    """Type a note and press Ctrl+Enter."""
    text_of_note(visitor).value = text
    UserInteraction(visitor, {text_of_note(visitor)}, None).trigger("keydown.ctrl.enter")
    await asyncio.sleep(0.1)


def opened(visitor: User) -> bool:
    return any(element.value for element in elements(visitor) if isinstance(element, ui.dialog))


async def test_it_lists_the_last_seven_days_newest_first(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    newest, second, failed, _ = table(user).rows
    assert (newest["today"], newest["time"], second["time"]) == ("Today ", "15:05", "Yesterday 15:05")
    assert newest["exact"] == "Sun 22 Nov 2026, 15:05:00 Europe/Berlin"
    assert (newest["label"], newest["provider_model"]) == ("Alice's laptop", "vllm/today-7b")
    assert (newest["template"], second["provider_model"], second["template"]) == ("research-de", "", "")
    assert (newest["prompt"], newest["completion"], newest["total"], newest["billable"]) == ("100", "20", "120", "240")
    assert (second["label"], second["prefix"], second["billable"]) == ("", "", "")
    assert (failed["is_ok"], failed["status"]) == (False, "504 timeout")
    assert "Times in Europe/Berlin" in [e.text for e in elements(user) if isinstance(e, ui.label)]


async def test_its_columns_are_those_of_the_contract(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    heading = table(user).props["heading"]
    assert [_text(cell) for cell in heading.split("</th>")[:-1]] == HEADINGS


def _text(markup: str) -> str:
    return re.sub(r'<span class="mp-only-phone">.*?</span>|<[^>]*>', "", markup)


async def test_templates_hold_no_data(visit, alice: Account, gateway: Gateway) -> None:
    wild = '<b>{{ 7 * 7 }}</b>" onclick="x'
    send(gateway, report(model=wild, mode=wild, template=wild))
    user = await visit(alice)
    await shows(user, wild)
    props = table(user).props
    assert all(wild not in props[name] for name in ("heading", "line", "footer", "label"))


async def test_pruned_requests_are_named_beside_the_totals(visit, requests, alice: Account) -> None:
    run(prune_account, alice.id, date(2026, 11, 1), ZoneInfo("UTC"), NOW + timedelta(days=2))
    user = await visit(alice, query="range=90")
    assert totals(user)["Requests"] == "4"
    (hint,) = (e for e in elements(user) if isinstance(e, ui.label) and "no longer kept" in e.text)
    assert hint.visible
    assert "Not listed, but counted: 1 request, 120 billable tokens, €0.0024." in hint.text


async def test_the_totals_are_those_of_the_whole_filtered_set(visit, alice: Account, gateway: Gateway) -> None:
    send(
        gateway, *(report(f"r-{n}", prompt_tokens=1000, completion_tokens=1, cost_factor=Decimal(2)) for n in range(60))
    )
    user = await visit(alice, "rows=50")
    await shows(user, *["qwen3:32b"] * 50)
    assert totals(user) == {
        "Requests": "60",
        "Prompt": "60,000",
        "Completion": "60",
        "Total raw": "60,060",
        "Total billable": "120,120",
        "Cost": "€2.40",
    }


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("range=90", ["today", "yesterday", "failed", "ci", "old"], id="a longer range"),
        pytest.param("token_name=LAPTOP", ["today"], id="part of a label, in any case"),
        pytest.param("token_name=moe-sk-", ["today", "ci"], id="part of a prefix"),
        pytest.param("token_name=Bob", [], id="another account's key matches nothing"),
        pytest.param("mode=moe_reasoning", ["yesterday"], id="a mode"),
        pytest.param("mode=never_used", [], id="a mode that was never used"),
        pytest.param("status=error", ["failed"], id="errors"),
        pytest.param("status=ok&from=2026-11-21", ["today", "yesterday"], id="from a day on"),
        pytest.param("to=2026-11-19", ["ci"], id="up to a day"),
        pytest.param("from=2026-10-13&to=2026-10-13", ["old"], id="one day"),
        pytest.param("model=ci", ["ci"], id="a model, as the model table links to it"),
        pytest.param("budget_from=2026-11-21&budget_to=2026-11-21", ["yesterday"], id="days of the budget zone"),
        pytest.param("order=oldest", ["ci", "failed", "yesterday", "today"], id="oldest first"),
        pytest.param("order=largest", ["ci", "failed", "yesterday", "today"], id="largest first, then latest stored"),
    ],
)
async def test_an_address_restores_its_view(visit, requests, alice: Account, query: str, expected: list[str]) -> None:
    user = await visit(alice, query)
    if query.startswith("order=largest"):
        await asyncio.sleep(0.1)
        assert models(user)[0] == "ci"
        return
    await shows(user, *expected)
    assert totals(user)["Requests"] == str(len(expected))
    assert not tagged(user, "address-complaint").visible


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("range=8", "The range is 7, 30 or 90 days", id="range"),
        pytest.param("from=2026-13-01", "A day looks like", id="a month too many"),
        pytest.param("to=0001-01-01", "Days lie between", id="a day too early"),
        pytest.param("from=2026-11-20&to=2026-11-01", "The first day lies after the last day", id="days swapped"),
        pytest.param("status=maybe", "Choose one of", id="status"),
        pytest.param("mode=%00", "no NUL", id="NUL"),
        pytest.param(f"model={'x' * 201}", "at most 200 characters", id="too long"),
        pytest.param("foo=1", "There is no filter called", id="a filter that does not exist"),
        pytest.param("rows=7", "A page has 25, 50 or 100 rows", id="rows"),
        pytest.param("cursor=abc", "It leads to no page of this list", id="cursor"),
        pytest.param(f"cursor={'x' * 501}", "It leads to no page of this list", id="a long cursor"),
        pytest.param(
            "order=oldest&cursor=WyJuZXdlc3QiLCJhZnRlciIsMSwxXQ", "no page of this list", id="another order's"
        ),
    ],
)
async def test_a_malformed_address_says_so_and_shows_the_plain_view(
    visit, requests, alice: Account, query: str, sentence: str
) -> None:
    user = await visit(alice, query)
    await user.should_see(sentence)
    assert tagged(user, "address-complaint").visible
    assert set(models(user)) == {"today", "yesterday", "failed", "ci"}
    user.find("30 days").click()
    await asyncio.sleep(0.1)
    assert not tagged(user, "address-complaint").visible


def test_an_address_is_read_as_it_was_written() -> None:
    wanted = UsageFilter(range=30, token_name="a&b=ü", mode="x", status=Status.ERROR, order=Order.OLDEST)
    place = Place(wanted, 50, None)
    params = {name: values[0] for name, values in parse_qs(urlsplit(LISTING.url(place)).query).items()}
    assert LISTING.read(params) == (place, None)
    assert LISTING.url(Place(UsageFilter())) == "/user/usage"


async def test_others_see_nothing_of_it(visit, requests, bob: Account, charlie: Account, create_user) -> None:
    await shows(await visit(bob), "bobs")
    user = await visit(charlie, visitor=create_user())
    await user.should_see("No requests yet")
    assert models(user) == []
    assert totals(user)["Requests"] == "0"


async def test_choices_are_applied_and_kept_in_the_address(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice)
    user.find("90 days").click()
    await shows(user, "today", "yesterday", "failed", "ci", "old")
    enter(user, "token_name", "  ci a ")
    await shows(user, "ci")
    enter(user, "status", "error")
    await shows(user)
    assert addresses[-1] == "/user/usage?range=90&token_name=ci+a&status=error"
    assert totals(user)["Requests"] == "0"


async def test_active_filter_is_marked_and_reset_clears_all(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice, "mode=moe_reasoning&from=2026-11-20&order=oldest&rows=50")
    await shows(user, "yesterday")
    marked = {name for name in ("token_name", "mode", "status", "from", "to") if _is_set(user, name)}
    assert marked == {"mode", "from"}
    assert "2" in [e.text for e in elements(user) if isinstance(e, ui.label)]  # beside "Filters", on phones
    user.find("Reset").click()
    await shows(user, "ci", "failed", "yesterday", "today")
    assert addresses[-1] == "/user/usage?order=oldest&rows=50"
    assert (field(user, "mode").value, field(user, "from").value) == ("", "2026-11-16")
    assert not any(_is_set(user, name) for name in ("token_name", "mode", "status", "from", "to"))


def _is_set(visitor: User, name: str) -> bool:
    return "is-set" in tagged(visitor, f"filter-{name}").classes


async def test_the_modes_offered_are_those_that_were_used(visit, requests, alice: Account) -> None:
    user = await visit(alice, "mode=unheard_of")
    assert list(field(user, "mode").options.values()) == ["All", "moe_reasoning", "native", "unheard_of"]


async def test_invalid_filter_is_refused_beside_its_field(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice, "to=2026-11-20")
    enter(user, "from", "2026-11-21")
    await user.should_see("The first day lies after the last day.")
    enter(user, "from", "0026-11-21")
    await user.should_see("Days lie between")
    assert field(user, "from").value == "0026-11-21"
    assert addresses == []
    enter(user, "from", "2026-11-20")
    await shows(user, "failed")
    await user.should_not_see("Days lie between")


async def test_a_day_that_is_being_typed_is_left_alone(visit, requests, alice: Account) -> None:
    user = await visit(alice, "from=2026-11-20")
    (typed,) = (e for e in tagged(user, "filter-from").descendants() if isinstance(e, ui.input))
    UserInteraction(user, {typed}, None).trigger("focus")
    enter(user, "from", "")
    await shows(user, "today", "yesterday", "failed", "ci")
    await live.tick()
    assert typed.value == ""


async def test_days_of_a_card_are_named_and_can_be_dropped(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice, "budget_from=2026-11-21&budget_to=2026-11-22&model=today")
    await shows(user, "today")
    await user.should_see("Days 21 – 22 Nov 2026, counted in UTC")
    press(user, labelled(user, "Remove filter: Model today"))
    await shows(user, "today", "yesterday")
    press(user, labelled(user, "Remove filter: Days 21 – 22 Nov 2026, counted in UTC"))
    await shows(user, "today", "yesterday", "failed", "ci")
    assert addresses[-1] == "/user/usage"


async def test_pages_of_the_list_follow_each_other(visit, alice: Account, gateway: Gateway, addresses) -> None:
    send(gateway, *(report(f"r-{n}", model=f"m{n}", requested_at=NOW - timedelta(minutes=n)) for n in range(30)))
    user = await visit(alice)
    await shows(user, *(f"m{n}" for n in range(25)))
    await user.should_see("1 – 25 of 30 requests")
    user.find("Older").click()
    await shows(user, *(f"m{n}" for n in range(25, 30)))
    await user.should_see("26 – 30 of 30 requests")
    restored = await visit(alice, addresses[-1].partition("?")[2])
    await shows(restored, *(f"m{n}" for n in range(25, 30)))
    send(gateway, report("new", model="new"))
    await live.tick()
    await restored.should_see("27 – 31 of 31 requests")
    restored.find("Newer").click()
    await shows(restored, *(f"m{n}" for n in range(25)))
    restored.find("Newer").click()
    await shows(restored, "new", *(f"m{n}" for n in range(24)))
    assert addresses[-1] == "/user/usage"


async def test_new_requests_appear_on_the_first_page(visit, requests, alice: Account, gateway: Gateway) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    send(gateway, report("a-9", model="new", requested_at=NOW + timedelta(minutes=1)))
    await live.tick()
    assert models(user) == ["new", "today", "yesterday", "failed", "ci"]
    assert totals(user)["Requests"] == "5"


async def test_refresh_without_new_rows_changes_nothing(
    visit, requests, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    with user:
        field(user, "token_name").value = "lapt"
    await shows(user, "today")
    sent: list[Element] = []

    def note_update(element: Element) -> None:
        sent.append(element)

    monkeypatch.setattr(Element, "update", note_update)
    await live.tick()
    (main,) = (element for element in elements(user) if element.props.get("id") == "main")
    content = set(main.descendants())
    assert [element for element in sent if element in content and not _is_the_clock(element)] == []
    assert field(user, "token_name").value == "lapt"


def _is_the_clock(element: Element) -> bool:
    return isinstance(element, ui.label) and element.text.startswith("Updated ")


async def test_results_never_arrive_out_of_order(
    visit, requests, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    may_go_on = asyncio.Event()

    async def read(work: Any, *args: Any) -> Any:
        view = await in_reading(work, *args)
        if args[1].status is Status.ERROR:
            await may_go_on.wait()
        return view

    monkeypatch.setattr(listing, "in_reading", read)
    enter(user, "status", "error")
    enter(user, "status", "ok")
    await shows(user, "today", "yesterday", "ci")
    may_go_on.set()
    await asyncio.sleep(0.05)
    assert models(user) == ["today", "yesterday", "ci"]


def sorted_by(user: User) -> dict[str, str | None]:
    state = table(user).props["state"]
    return {"time": state["time"], "total": state["total"]}


async def test_headings_sort(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    assert sorted_by(user) == {"time": "descending", "total": None}
    user.find(kind=DataTable).trigger("sort", "time")
    await shows(user, "ci", "failed", "yesterday", "today")
    assert sorted_by(user) == {"time": "ascending", "total": None}
    user.find(kind=DataTable).trigger("sort", "total")
    await asyncio.sleep(0.1)
    assert models(user)[0] == "ci"
    assert sorted_by(user) == {"time": None, "total": "descending"}
    user.find(kind=DataTable).trigger("sort", {"not": "a column"})
    await asyncio.sleep(0.05)
    assert models(user)[0] == "ci"


async def test_exports_carry_the_filters(visit, requests, alice: Account) -> None:
    user = await visit(alice, "status=error&range=30&order=oldest")
    links = [e.props["href"] for e in elements(user) if "/export?" in str(e.props.get("href", ""))]
    assert links == [
        f"/user/api/usage/export?format={kind}&range=30&status=error&order=oldest" for kind in ("csv", "xlsx", "jsonl")
    ]


async def test_nothing_found_says_why_and_offers_the_way_out(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice, "token_name=nope&mode=native&status=error")
    await user.should_see(
        "Nothing matches token name “nope”, mode native and status error on 16 – 22 Nov 2026. "
        "The cause is token name “nope”."
    )
    await user.should_see("Clear token name (1 request)")
    user.find("Reset filters").click()
    await shows(user, "today", "yesterday", "failed", "ci")


async def test_filter_that_hides_everything_is_named_and_cleared(visit, requests, alice: Account, addresses) -> None:
    user = await visit(alice, "token_name=ci&status=error")
    await user.should_see(
        "Nothing matches token name “ci” and status error on 16 – 22 Nov 2026. "
        "It helps to clear token name “ci” or status error."
    )
    user.find("Clear status (1 request)").click()
    await shows(user, "ci")
    assert addresses[-1] == "/user/usage?token_name=ci"


async def test_filters_that_hide_everything_together_are_named(visit, requests, alice: Account) -> None:
    user = await visit(alice, "token_name=nope&mode=none")
    await user.should_see(
        "Nothing matches token name “nope” and mode none on 16 – 22 Nov 2026. No single filter is the cause."
    )
    await user.should_not_see("Clear")


async def test_days_without_requests_are_named_as_the_cause(visit, requests, alice: Account) -> None:
    user = await visit(alice, "from=2026-01-01&to=2026-01-02&status=ok")
    await user.should_see("No requests match")
    await user.should_see("Nothing matches status ok on 1 – 2 Jan 2026. The cause is the days.")
    user.find("Last 90 days (4 requests)").click()
    await shows(user, "today", "yesterday", "ci", "old")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("model=none", "Nothing matches model none on 16 – 22 Nov 2026.", id="one filter"),
        pytest.param("from=2026-01-01&to=2026-01-02", "Nothing was requested on 1 – 2 Jan 2026.", id="days"),
    ],
)
async def test_only_cause_is_named_once(visit, requests, alice: Account, query: str, sentence: str) -> None:
    user = await visit(alice, query)
    await user.should_see(sentence)
    await user.should_not_see("The cause")


async def test_swapped_days_are_no_unreadable_address(visit, requests, alice: Account) -> None:
    user = await visit(alice, "from=2026-11-20&to=2026-11-01")
    await user.should_see(
        "The address of this page is not quite right. The first day lies after the last day. "
        "These are the last 7 days instead."
    )


async def test_statuses_are_written_in_german(visit, requests, alice: Account) -> None:
    run(lambda session: setattr(session.get(Account, alice.id), "language", "de"))
    user = await visit(alice, "status=error&model=none")
    await user.should_see("Im Zeitraum 16. – 22. Nov. 2026 passt nichts zu: Modell none und Status Fehler.")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        pytest.param("", "Am 1. Jan. 2026 gab es keine Anfragen.", id="no filter"),
        pytest.param("&model=none", "Am 1. Jan. 2026 passt nichts zu: Modell none.", id="a filter"),
    ],
)
async def test_one_day_is_no_range_in_german(visit, requests, alice: Account, query: str, sentence: str) -> None:
    run(lambda session: setattr(session.get(Account, alice.id), "language", "de"))
    user = await visit(alice, f"from=2026-01-01&to=2026-01-01{query}")
    await user.should_see(sentence)


async def test_seconds_are_shown_where_minutes_repeat(visit, alice: Account, gateway: Gateway) -> None:
    times = {"a": (14, 5, 7), "b": (14, 5, 59), "c": (14, 6, 0)}
    send(
        gateway,
        *(report(name, requested_at=NOW.replace(hour=h, minute=m, second=s)) for name, (h, m, s) in times.items()),
    )
    user = await visit(alice)
    await shows(user, *["qwen3:32b"] * 3)
    assert [row["seconds"] for row in table(user).rows] == ["", ":59", ":07"]


async def test_a_note_is_written_seen_and_deleted(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    await shows(user, "today", "yesterday", "failed", "ci")
    await edit(user, id_of(alice, "failed"))
    await user.should_see("failed · 20 Nov 15:05")
    await user.should_not_see("Delete")
    await write(user, " Looked into it.\n<b>Network.</b> ")
    await user.should_see("Note saved.")
    assert not opened(user)
    assert note_on(alice, "failed") == "Looked into it.\n<b>Network.</b>"
    assert [row["note"] for row in table(user).rows] == ["", "", "Looked into it.\n<b>Network.</b>", ""]
    assert table(user).rows[2]["edit"] == "Edit note, failed, 20 Nov 15:05"
    await edit(user, id_of(alice, "failed"))
    assert text_of_note(user).value == "Looked into it.\n<b>Network.</b>"
    user.find("Delete").click()
    await user.should_see("Note deleted.")
    assert note_on(alice, "failed") is None
    assert not any(row["note"] for row in table(user).rows)


async def test_note_dialog_shows_missing_counts_as_unknown(visit, alice: Account, gateway: Gateway) -> None:
    send(gateway, report(model="image-1", prompt_tokens=0, completion_tokens=0, without_counts=True))
    visitor = await visit(alice)
    await shows(visitor, "image-1")
    assert table(visitor).rows[0]["unknown"]
    await edit(visitor, id_of(alice, "image-1"))
    await visitor.should_see("Unknown")
    shown = texts(tagged(visitor, "note-dialog"))
    assert shown.count("Unknown") == 5
    assert {"Total raw", "Total billable"} < set(shown)


async def test_an_emptied_note_is_deleted(visit, requests, alice: Account) -> None:
    usage_id = id_of(alice, "ci")
    run(set_note, alice.id, usage_id, "Why?", NOW)
    user = await visit(alice)
    await edit(user, usage_id)
    await write(user, "  ")
    await user.should_see("Note deleted.")
    assert note_on(alice, "ci") is None


async def test_a_note_that_is_too_long_is_refused_inside_the_dialog(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    await edit(user, id_of(alice, "ci"))
    await write(user, "x" * 4012)
    await user.should_see("The note is longer than 4,000 characters. Shorten it by 12.")
    await user.should_see("4,012 / 4,000")
    assert opened(user)
    assert note_on(alice, "ci") is None
    await write(user, "x" * 4000)
    await user.should_see("Note saved.")
    assert note_on(alice, "ci") == "x" * 4000


async def test_cancelling_changes_nothing(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    await edit(user, id_of(alice, "ci"))
    text_of_note(user).value = "half a thought"
    user.find("Cancel").click()
    await user.should_see("Discard what you typed?")
    user.find(kind=ui.button, content="Discard").click()
    await until(lambda: not opened(user))
    assert note_on(alice, "ci") is None
    await edit(user, id_of(alice, "today"))
    assert text_of_note(user).value == ""


@pytest.mark.parametrize(
    "usage_id",
    [
        pytest.param(None, id="nothing"),
        pytest.param("1", id="text"),
        pytest.param(True, id="a truth value"),
        pytest.param({"id": 1}, id="an object"),
        pytest.param(-1, id="negative"),
        pytest.param(2**63, id="larger than an id can be"),
        pytest.param(999_999, id="an id that nobody has"),
    ],
)
async def test_there_is_no_dialog_for_what_is_no_request(visit, requests, alice: Account, usage_id: object) -> None:
    user = await visit(alice)
    await edit(user, usage_id)
    await user.should_see("There is no such request.")
    assert not opened(user)


async def test_there_is_no_dialog_for_somebody_elses_request(visit, requests, alice: Account, bob: Account) -> None:
    user = await visit(alice)
    await edit(user, id_of(bob, "bobs"))
    await user.should_see("There is no such request.")
    assert not opened(user)


async def test_a_refresh_leaves_an_open_dialog_alone(visit, requests, alice: Account, gateway: Gateway) -> None:
    user = await visit(alice)
    await edit(user, id_of(alice, "ci"))
    text_of_note(user).value = "half a thought"
    send(gateway, report("a-9", model="new", requested_at=NOW + timedelta(minutes=1)))
    await live.tick()
    assert models(user)[0] == "new"
    assert opened(user)
    assert text_of_note(user).value == "half a thought"


async def test_a_tab_may_be_closed_while_a_note_is_being_saved(
    visit, requests, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await visit(alice)
    await edit(user, id_of(alice, "ci"))
    client = user.client

    async def close_and_write(work: Any, *args: Any) -> Any:
        client.delete()
        return await in_transaction(work, *args)

    monkeypatch.setattr(note_dialog, "in_transaction", close_and_write)
    await write(user, "the last word")
    for _ in range(100):
        if note_on(alice, "ci"):
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    assert note_on(alice, "ci") == "the last word"
    assert user.notify.messages == []  # the page is closed, and NiceGUI would raise


async def test_trouble_while_saving_is_shown_in_the_dialog(
    visit, requests, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await visit(alice)
    await edit(user, id_of(alice, "ci"))

    async def fail(*_: object) -> None:
        raise Unavailable

    monkeypatch.setattr(note_dialog, "in_transaction", fail)
    await write(user, "a thought")
    await user.should_see("The portal cannot do this right now.")
    assert opened(user)
    assert text_of_note(user).value == "a thought"


async def test_two_tabs_of_one_view_share_a_load(
    visit, requests, alice: Account, bob: Account, create_user, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[int] = []

    async def count(work: Any, viewer: Any, *args: Any) -> Any:
        loads.append(viewer.id)
        return await in_reading(work, viewer, *args)

    await visit(alice)
    await visit(alice, visitor=create_user())
    await visit(bob, visitor=create_user())
    monkeypatch.setattr(listing, "in_reading", count)
    await live.tick()
    assert sorted(loads) == [alice.id, bob.id]
