"""The dashboard shows the figures of its view only to their owner, and changes them in place."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User

from portal.actions.people.keys import NewKey, revoke_key
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.db.templates import AssignedModel
from portal.pages.components import live
from portal.pages.components.charts.plot import Plot
from portal.pages.components.table import DataTable
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.dashboard import load_dashboard
from portal.views.templates import find_template
from portal.words.formats import Formats
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send, viewer_of
from tests.pages.screen import elements, everything, tagged, texts

PAGE = "/user/dashboard"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds")


@pytest.fixture
def requests(gateway: Gateway, alices_key: NewKey, bobs_key: NewKey) -> None:
    """Alice has 240 billable tokens today, 3,600 yesterday and 50,020 three weeks ago; Bob has other figures."""
    send(
        gateway,
        report("a-1", key_hash=digest(alices_key.secret), cost_factor=Decimal(2)),
        report("a-2", requested_at=NOW - timedelta(days=1), prompt_tokens=3580),
        report("a-3", requested_at=NOW - timedelta(days=23), prompt_tokens=50_000),
        report("b-1", key_hash=digest(bobs_key.secret), prompt_tokens=777_757, model="bobs-model"),
    )


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        pytest.param(
            Limits(daily=240),
            "Today’s budget was used up at 15:05. Gateways may refuse new requests until midnight UTC (in ",
            id="a day",
        ),
        pytest.param(
            Limits(daily=240, monthly=3000),
            "This month’s budget was used up at 15:05. Gateways may refuse new requests until 1 Dec, midnight UTC (in ",
            id="a day and a month, which takes longer",
        ),
        pytest.param(
            Limits(daily=0, monthly=3000),
            "Today’s budget allows no tokens. Gateways may refuse new requests until an administrator raises it. "
            "Ask your administrator for a higher limit.",
            id="a month, and a day that allows nothing before and after it",
        ),
        pytest.param(
            Limits(daily=0, total=5),
            "Your total budget was used up at 15:05. Gateways may refuse new requests until an administrator",
            id="of two that never come back the total one",
        ),
    ],
)
async def test_banner_names_the_budget_that_stays_used_up_longest(
    visit, requests, alice: Account, limits: Limits, sentence: str
) -> None:
    run(set_budget, OPERATOR, alice.id, limits, NOW)
    visitor = await visit(alice)
    assert sentence in "".join(texts(tagged(visitor, "budget-banner")))


def card(visitor: User, period: Period) -> dict[str, str]:
    """Return the figures of a budget card by name."""
    shown = tagged(visitor, f"budget-card-{period}")
    named = {name: texts(tagged(visitor, name, shown))[0] for name in ("consumed", "limit", "percent", "reset")}
    facts = [e.text for e in shown.descendants() if isinstance(e, ui.label) and e.tag in {"dt", "dd"}]
    return {**dict(zip(facts[::2], facts[1::2], strict=True)), **named}


def bar(visitor: User, period: Period) -> Element:
    return tagged(visitor, "progress", tagged(visitor, f"budget-card-{period}"))


def keys(visitor: User) -> list[dict[str, Any]]:
    table = tagged(visitor, "active-keys-table")
    assert isinstance(table, DataTable)
    return table.rows


def chart(visitor: User) -> list[str]:
    """Return the table behind the chart, cell by cell, without its headings."""
    return texts(tagged(visitor, "usage-chart-data"))[3:]


def limit(account: Account, **limits: Any) -> None:
    run(set_budget, OPERATOR, account.id, Limits(**limits), NOW)


async def test_the_budget_cards_show_what_is_left(visit, requests, alice: Account) -> None:
    limit(alice, daily=320, monthly=3840)
    user = await visit(alice)
    today = card(user, Period.DAILY)
    assert (today["consumed"], today["limit"], today["percent"]) == ("240", "320", "75.0\u00a0%")
    assert (today["Remaining"], today["Cost"]) == ("80", "€0.0048")
    month = card(user, Period.MONTHLY)
    assert (month["consumed"], month["limit"], month["percent"]) == ("3,840", "3,840", "100.0\u00a0%")
    assert (month["Remaining"], month["Cost"]) == ("0", "€0.08")
    total = card(user, Period.TOTAL)
    assert (total["consumed"], total["limit"], total["percent"]) == ("53,860", "∞", "–")
    assert (total["Remaining"], total["Cost"], total["reset"]) == ("∞", "€1.08", "Never")
    assert [bar(user, period).props["data-level"] for period in Period] == ["warning", "critical", "none"]


async def test_a_budget_that_is_spent_says_by_how_much(visit, requests, alice: Account) -> None:
    limit(alice, total=40_000, type=BudgetType.ONE_TIME)
    user = await visit(alice)
    assert card(user, Period.TOTAL)["Over by"] == "13,860"
    assert card(user, Period.TOTAL)["percent"] == "134.7\u00a0%"
    assert bar(user, Period.TOTAL).props["aria-valuenow"] == pytest.approx(134.7)
    assert bar(user, Period.TOTAL).props["value"] == 1
    assert card(user, Period.DAILY)["limit"] == "∞"


def forecast(visitor: User, period: Period) -> tuple[list[str], Any]:
    """Return the texts of a card's forecast, and its kind."""
    line = tagged(visitor, "forecast", tagged(visitor, f"budget-card-{period}"))
    return texts(line), line.props["data-forecast"]


def weeks_of(gateway: Gateway, tokens: int = 1000) -> None:
    """Store requests of Alice with these tokens at noon of each of 30 days, today included."""
    days = (NOW.replace(hour=12) - timedelta(ago) for ago in range(30))
    plain = {"prompt_tokens": tokens, "completion_tokens": 0}
    send(gateway, *(report(f"w-{n}", requested_at=day, **plain) for n, day in enumerate(days)))


async def test_each_card_says_where_it_leads(visit, alice: Account, gateway: Gateway) -> None:
    weeks_of(gateway)
    limit(alice, daily=1001, monthly=25_600, total=10**6)
    user = await visit(alice)
    assert forecast(user, Period.DAILY) == (["Lasts until 15:45 at this pace"], "early")
    assert forecast(user, Period.MONTHLY) == (["Lasts until Thu 13:00 at this pace"], "early")
    assert forecast(user, Period.TOTAL) == (["Enough for more than a year"], "enough")
    limit(alice, daily=10**6, monthly=10**6, total=60_000)
    await live.tick()
    assert forecast(user, Period.DAILY) == (["Enough for today"], "enough")
    assert forecast(user, Period.MONTHLY) == (["Enough for this month"], "enough")
    assert forecast(user, Period.TOTAL) == (["Lasts until 22 December at this pace"], "lasts_until")
    limit(alice, daily=1000)
    await live.tick()
    assert forecast(user, Period.DAILY) == (["Used up at 15:05", "Ask for more or wait"], "exhausted")
    assert forecast(user, Period.TOTAL) == ([], "no_limit")


async def test_a_card_says_when_it_is_too_early_to_tell(visit, requests, alice: Account) -> None:
    limit(alice, daily=1000)
    user = await visit(alice)
    assert forecast(user, Period.DAILY) == (["Too little data for a forecast"], "too_little_data")
    assert forecast(user, Period.MONTHLY) == ([], "no_limit")


async def test_tooltip_of_a_forecast_is_exact(visit, alice: Account, gateway: Gateway) -> None:
    weeks_of(gateway)
    limit(alice, daily=1001)
    user = await visit(alice)
    (label,) = (
        e for e in tagged(user, "forecast", tagged(user, "budget-card-daily")).descendants() if e.props.get("title")
    )
    assert label.props["title"] == "Sun 22 Nov 2026, 15:46:00 Europe/Berlin. Estimated from your last 8 weeks"


async def test_every_figure_is_that_of_the_view(visit, requests, alice: Account) -> None:
    limit(alice, daily=1000)
    user = await visit(alice)
    view, f = run_in_reading(load_dashboard, alice.id, NOW), Formats.of(viewer_of(alice))
    for budget in view.budgets.all:
        shown = card(user, budget.period)
        assert shown["consumed"] == f.number(budget.budget.consumed)
        assert shown["Remaining"] == f.limit(budget.budget.remaining)
        assert shown["Cost"] == f.eur(budget.figures.cost_nano_eur)
    cells = [text for day in view.days for text in (f.day(day.day), f.number(day.figures.tokens))]
    assert chart(user) == cells
    assert chart(user)[-4:] == ["21 Nov 2026", "3,600", "22 Nov 2026", "240"]
    assert chart(user)[:2] == ["9 Nov 2026", "0"]
    assert "3,840 billable" in texts(tagged(user, "usage-chart"))
    assert [row["id"] for row in keys(user)] == [key.id for key in view.keys]


async def test_bars_equal_the_table_and_lead_to_their_requests(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    (plot,) = (element for element in elements(user) if isinstance(element, Plot))
    bars, above_limit = plot.figure["data"]
    assert set(above_limit["y"]) == {0}
    assert [f"{tokens:,}" for tokens in bars["y"]] == chart(user)[1::2]
    links = [e.props.get("href") for e in tagged(user, "usage-chart").descendants()]
    assert any("budget_from=2026-11-09" in link and "budget_to=2026-11-22" in link for link in links if link)


async def test_the_keys_that_work_are_listed_without_their_secrets(
    visit, requests, alice: Account, alices_key: NewKey
) -> None:
    user = await visit(alice)
    (row,) = keys(user)
    assert (row["prefix"], row["label"], row["last_used"]) == (alices_key.prefix, "Alice's laptop", "Today 15:05")
    assert alices_key.secret not in everything(user)
    run(revoke_key, acting(alice), alice.id, alices_key.id, NOW)
    await live.tick()
    assert keys(user) == []
    assert not tagged(user, "active-keys-table").visible


async def test_template_is_drawn_again_only_when_it_changes(visit, alice: Account) -> None:
    models = [AssignedModel("research", "qwen3:32b", "gpu-1", True), AssignedModel("code", "devstral", "", False)]
    run(define_template, OPERATOR, "research-de", Decimal("1.25"), models, NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "research-de").id, NOW)
    user = await visit(alice)
    config = tagged(user, "expert-config")
    shown = texts(config)
    assert {"research-de", "research", "code", "qwen3:32b", "@gpu-1", "devstral"} <= set(shown)
    assert any("1.25" in text for text in shown)
    before = list(config.descendants())
    await live.tick()
    assert list(config.descendants()) == before
    run(assign_template, OPERATOR, alice.id, None, NOW)
    await live.tick()
    assert "research-de" not in texts(config)


async def test_a_refresh_changes_texts_in_place(
    visit, requests, alice: Account, gateway: Gateway, alices_key: NewKey
) -> None:
    limit(alice, daily=1000)
    user = await visit(alice)
    before = elements(user)
    send(gateway, report("a-9", key_hash=digest(alices_key.secret), prompt_tokens=380))
    await live.tick()
    assert card(user, Period.DAILY)["consumed"] == "640"
    assert card(user, Period.DAILY)["percent"] == "64.0\u00a0%"
    assert chart(user)[-1] == "640"
    after = elements(user)
    assert [e.id for e in after] == [e.id for e in before]
    assert all(new is old for new, old in zip(after, before, strict=True))


async def test_nobody_else_sees_any_of_it(
    visit, requests, alice: Account, charlie: Account, alices_key: NewKey, bobs_key: NewKey, create_user
) -> None:
    alices = await visit(alice)
    for trace in ("777,", "777777", "Bob", "bob", bobs_key.prefix):
        assert trace not in everything(alices), trace
    user = await visit(charlie, visitor=create_user())
    for trace in ("Alice", "alice", "Bob", "bob", "3,840", "53,860", alices_key.prefix, bobs_key.prefix):
        assert trace not in everything(user), trace
    assert [card(user, period)["consumed"] for period in Period] == ["0", "0", "0"]
    assert set(chart(user)[1::2]) == {"0"}
    assert keys(user) == []


async def test_another_accounts_requests_change_nothing(
    visit, requests, alice: Account, gateway: Gateway, bobs_key: NewKey
) -> None:
    user = await visit(alice)
    before = texts(user.client.layout), keys(user)
    send(gateway, report("b-9", key_hash=digest(bobs_key.secret)))
    await live.tick()
    assert (texts(user.client.layout), keys(user)) == before


async def test_figures_are_written_as_the_account_reads_them(visit, requests, alice: Account) -> None:
    run(lambda session: setattr(session.get(Account, alice.id), "language", "de"))
    user = await visit(alice)
    assert card(user, Period.MONTHLY)["consumed"] == "3.840"
    assert card(user, Period.MONTHLY)["Kosten"] == "0,08\u00a0€"
