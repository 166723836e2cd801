"""Billing shows the exact sums of its view only to their owner, and stores the alerts."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction
from time_machine import Traveller

from portal.actions.people.keys import NewKey
from portal.actions.spending.alerts import change_alerts
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.prices import enter_price, remove_price
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.pages.account import billing
from portal.pages.components import live
from portal.pages.components.table import DataTable
from portal.rules.metering.figures import Figures, total
from portal.rules.metering.usage import parse_filter
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.metering.usage import load_usage
from portal.views.spending.alerts import AlertSettings, alert_settings
from portal.views.spending.billing import BillingView, load_billing
from portal.words.formats import Formats
from tests.cast import NOW, OPERATOR, Gateway, acting, report, run, send, viewer_of
from tests.pages.screen import complaint_about, control, elements, everything, tagged, texts, until

PAGE = "/user/billing"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds")


@pytest.fixture
def requests(gateway: Gateway, alices_key: NewKey, bobs_key: NewKey) -> None:
    """Alice has 240 billable tokens today, 3,600 yesterday, 50,020 in October, 900 in September; Bob has others."""
    send(
        gateway,
        report("a-1", key_hash=digest(alices_key.secret), cost_factor=Decimal(2)),
        report("a-2", model="devstral", mode="moe", requested_at=NOW - timedelta(days=1), prompt_tokens=3580),
        report("a-3", model="devstral", mode="moe", requested_at=NOW - timedelta(days=23), prompt_tokens=50_000),
        report("a-4", model="long-ago", requested_at=NOW - timedelta(days=60), prompt_tokens=880),
        report("b-1", key_hash=digest(bobs_key.secret), prompt_tokens=777_757, model="bobs-model"),
    )


def models(visitor: User) -> DataTable:
    found = tagged(visitor, "model-table")
    assert isinstance(found, DataTable)
    return found


def budget(visitor: User, period: str) -> list[str]:
    """Return the texts of a row of the budgets."""
    (row,) = (e for e in tagged(visitor, "budget-table").descendants() if e.props.get("data-period") == period)
    return texts(row)


def form(visitor: User) -> list[Element]:
    return list(tagged(visitor, "alerts-form").descendants())


def field(visitor: User, name: str) -> Any:
    """Return the control of the form with a name."""
    return control(form(visitor), name)


def complaint(visitor: User, name: str) -> str:
    """Return the complaint about the value of a field; "" if there is none."""
    return complaint_about(form(visitor), field(visitor, name))


def message_of(visitor: User) -> str:
    """Return the message of the form."""
    (place,) = (e for e in form(visitor) if e.props.get("role") == "status")
    (box,) = (child for child in place.descendants() if "mp-msg" in child.classes)
    return "".join(texts(box)) if box.visible else ""


def switch(visitor: User, number: int = 0) -> ui.switch:
    """Return the switch for alerts, or the one for the forecast (1)."""
    return [element for element in form(visitor) if isinstance(element, ui.switch)][number]


def save(visitor: User, *, enabled: bool, threshold: str, email: str) -> None:
    """Fill the form in and send it, as Enter does."""
    with visitor:
        switch(visitor).value = enabled
        field(visitor, "Threshold").value = threshold
        field(visitor, "Alert email").value = email
    (element,) = (element for element in form(visitor) if element.tag == "form")
    UserInteraction(visitor, {element}, None).trigger("submit.prevent")


def alerts(account: Account) -> AlertSettings:
    return run_in_reading(alert_settings, account.id)


def view_of(account: Account) -> BillingView:
    return run_in_reading(load_billing, account.id, NOW)


def limit(account: Account, **limits: Any) -> None:
    run(set_budget, OPERATOR, account.id, Limits(**limits), NOW)


async def test_the_sums_are_those_of_the_month_and_of_everything(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    month, everything_so_far = texts(tagged(user, "summary-month")), texts(tagged(user, "summary-tokens"))
    assert {"3,840", "€0.08"} <= set(month)
    assert any("3,720 raw" in text for text in month)
    assert "2 requests" in month
    assert {"54,760", "€1.10"} <= set(everything_so_far)
    assert any("23 Sept 2026" in text for text in everything_so_far)
    assert "4" in texts(tagged(user, "summary-requests"))


async def test_the_budgets_are_a_table(visit, requests, alice: Account) -> None:
    limit(alice, daily=320, monthly=3000)
    user = await visit(alice)
    assert {"240", "320", "80", "75.0\u00a0%", "Warning"} <= set(budget(user, "daily"))
    assert {"3,840", "3,000", "0", "over by 840", "128.0\u00a0%", "Used up"} <= set(budget(user, "monthly"))
    assert {"54,760", "∞", "–", "Never"} <= set(budget(user, "total"))
    assert all("Subscription" in budget(user, period) for period in ("daily", "monthly", "total"))


async def test_a_one_time_budget_is_called_so_and_has_one_limit(visit, requests, alice: Account) -> None:
    limit(alice, daily=320, total=100_000, type=BudgetType.ONE_TIME)
    user = await visit(alice)
    assert {"54,760", "100,000", "45,240", "One-time"} <= set(budget(user, "total"))
    assert "∞" in budget(user, "daily")


async def test_models_are_listed_with_their_exact_sum(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    view, f = view_of(alice).summary, Formats.of(viewer_of(alice))
    shown = [(row["model"], row["mode"], row["tokens"], row["requests"]) for row in models(user).rows]
    assert shown == [("devstral", "moe", "53,620", "2"), ("qwen3:32b", "native", "240", "1")]
    assert [(part.model, part.mode) for part in view.by_model] == [(model, mode) for model, mode, *_ in shown]
    footer, sums = models(user).props["state"], total(part.figures for part in view.by_model)
    assert (footer["tokens"], footer["requests"]) == ("53,860", "3")
    assert (footer["tokens"], footer["cost"]) == (f.number(sums.tokens), f.eur(sums.cost_nano_eur))
    assert footer["exact_cost"] == "€1.0772"
    assert all(
        "budget_from=2026-10-24" in row["href"] and row["model"] in row["href"].replace("%3A", ":")
        for row in models(user).rows
    )


async def test_every_count_of_requests_leads_to_exactly_those(
    visit, requests, alice: Account, gateway: Gateway
) -> None:
    send(gateway, report("a-5", model="devstral"), report("a-6", mode="moe"))
    user = await visit(alice)
    view, viewer = view_of(alice), viewer_of(alice)

    def behind(address: str) -> Figures:
        wanted = parse_filter(dict(parse_qsl(urlsplit(address).query)))
        return run_in_reading(load_usage, viewer, wanted, NOW).totals

    def links(test_id: str) -> list[Figures]:
        own = tagged(user, test_id).descendants()
        return [behind(e.props["href"]) for e in own if e.tag == "a" and "href" in e.props and e.visible]

    assert [behind(row["href"]) for row in models(user).rows] == [part.figures for part in view.summary.by_model]
    assert behind(models(user).props["state"]["href"]) == total(part.figures for part in view.summary.by_model)
    assert links("summary-month") == [view.summary.month, view.summary.month]
    assert links("summary-tokens")[0] == links("summary-requests")[0] == view.summary.total
    assert links("budget-table") == [budget.figures for budget in view.budgets.all]


async def test_no_model_is_left_out(visit, gateway: Gateway, alices_key: NewKey, alice: Account) -> None:
    key_hash = digest(alices_key.secret)
    send(gateway, *(report(f"m-{n}", model=f"model {n}", key_hash=key_hash) for n in range(120)))
    user = await visit(alice)
    assert {row["model"] for row in models(user).rows} == {f"model {n}" for n in range(120)}
    assert models(user).props["state"]["requests"] == "120"


async def test_the_cost_is_explained_with_the_months_own_figures(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    shown = texts(tagged(user, "cost-calculation"))
    assert {"3,840", "€0.00002", "=", "€0.08"} <= set(shown)


async def test_a_later_price_changes_no_cost_that_was_stored(visit, requests, alice: Account) -> None:
    user = await visit(alice)
    run(enter_price, OPERATOR, Decimal("0.5"), NOW - timedelta(minutes=1), NOW)
    await live.tick()
    shown = texts(tagged(user, "cost-calculation"))
    assert {"3,840", "€0.08"} <= set(shown)
    assert any("€0.50 per token" in text for text in shown)
    assert {"€0.00002", "per token on average"} <= set(shown)
    assert any("Not all of this month’s requests were made at today’s price." in text for text in shown)
    assert "€1.10" in texts(tagged(user, "summary-tokens"))


async def test_requests_without_counts_lead_to_their_list(visit, requests, alice: Account, gateway: Gateway) -> None:
    user = await visit(alice)
    assert not any("without counts" in text for text in texts(tagged(user, "summary-requests")))
    for number in (1, 2):
        send(gateway, report(f"i-{number}", model="image-1", prompt_tokens=0, completion_tokens=0, without_counts=True))
    await live.tick()
    card = tagged(user, "summary-requests")
    assert {"6", "13,690 billable tokens each on average, ", "2 without counts"} <= set(texts(card))
    (link,) = (e for e in card.descendants() if e.props.get("data-testid") == "without-counts")
    wanted = parse_filter(dict(parse_qsl(urlsplit(link.props["href"]).query)))
    listed = run_in_reading(load_usage, viewer_of(alice), wanted, NOW)
    assert [row.model for row in listed.rows] == ["image-1", "image-1"]
    (row,) = (row for row in models(user).rows if row["model"] == "image-1")
    assert (row["requests"], row["without"]) == ("2", "2 without counts")


async def test_requests_without_a_price_are_named(visit, requests, alice: Account, gateway: Gateway) -> None:
    run(remove_price, OPERATOR, None, NOW)
    send(gateway, report("a-9", requested_at=NOW - timedelta(minutes=1)))
    user = await visit(alice)
    shown = texts(tagged(user, "cost-calculation"))
    assert {"€0.08 + 1 unpriced", "≈"} <= set(shown)
    assert any("1 request of this month came while no price was in force" in text for text in shown)
    assert any("No price is in force" in text for text in shown)
    assert "€0.08 + 1 unpriced" in texts(tagged(user, "summary-month"))
    assert models(user).props["state"]["cost"].endswith(" + 1 unpriced")


async def test_a_refresh_changes_texts_in_place(
    visit, requests, alice: Account, gateway: Gateway, alices_key: NewKey
) -> None:
    limit(alice, daily=1000)
    user = await visit(alice)
    before = elements(user)
    send(gateway, report("a-9", key_hash=digest(alices_key.secret), prompt_tokens=380))
    await live.tick()
    assert "4,240" in texts(tagged(user, "summary-month"))
    assert "640" in budget(user, "daily")
    assert models(user).props["state"]["tokens"] == "54,260"
    after = elements(user)
    assert [e.id for e in after] == [e.id for e in before]
    assert all(new is old for new, old in zip(after, before, strict=True))


async def test_nobody_else_sees_any_of_it(
    visit, requests, alice: Account, charlie: Account, create_user, gateway: Gateway, bobs_key: NewKey
) -> None:
    alices = await visit(alice)
    for trace in ("777,", "777777", "Bob", "bob"):
        assert trace not in everything(alices), trace
    before = texts(alices.client.layout), models(alices).rows
    send(gateway, report("b-9", key_hash=digest(bobs_key.secret), model="bobs-model"))
    await live.tick()
    assert (texts(alices.client.layout), models(alices).rows) == before
    user = await visit(charlie, visitor=create_user())
    for trace in ("alice", "bob", "devstral", "3,840", "54,760"):
        assert trace not in everything(user), trace
    assert models(user).rows == []
    assert not models(user).visible


async def test_alerts_are_saved(visit, alice: Account, bob: Account) -> None:
    user = await visit(alice)
    assert (switch(user).value, field(user, "Threshold").value, field(user, "Alert email").value) == (False, "80", "")
    save(user, enabled=True, threshold=" 65 % ", email=" ops@example.org ")
    await until(lambda: message_of(user))
    assert alerts(alice) == AlertSettings(enabled=True, threshold_percent=65, email="ops@example.org")
    assert alerts(bob) == AlertSettings()
    assert field(user, "Threshold").value == "65"
    save(user, enabled=False, threshold="100", email="")
    await until(lambda: message_of(user))
    assert alerts(alice) == AlertSettings(enabled=False, threshold_percent=100, email=None)


@pytest.mark.parametrize("threshold", ["", "0", "101", "-5", "12.5", "many", "9" * 5000, "٣"])
async def test_a_bad_threshold_is_refused_beside_the_field(visit, alice: Account, threshold: str) -> None:
    user = await visit(alice)
    save(user, enabled=True, threshold=threshold, email="")
    await until(lambda: complaint(user, "Threshold"))
    assert complaint(user, "Alert email") == ""
    assert message_of(user) == ""
    assert alerts(alice) == AlertSettings()
    with user:
        field(user, "Threshold").value = "50"
    assert complaint(user, "Threshold") == ""


@pytest.mark.parametrize("email", ["nobody", "a@b@c", "a b@example.org", f"{'x' * 400}@example.org"])
async def test_a_bad_address_is_refused_beside_the_field(visit, alice: Account, email: str) -> None:
    user = await visit(alice)
    save(user, enabled=True, threshold="50", email=email)
    await until(lambda: complaint(user, "Alert email"))
    assert complaint(user, "Threshold") == ""
    assert alerts(alice) == AlertSettings()


async def test_refresh_keeps_typed_values_and_fills_in_others(visit, alice: Account, create_user) -> None:
    typing, idle = await visit(alice), await visit(alice, visitor=create_user())
    with typing:
        field(typing, "Threshold").value = "33"
    run(change_alerts, acting(alice), True, 90, None, NOW)
    await live.tick()
    assert field(typing, "Threshold").value == "33"
    assert (switch(idle).value, field(idle, "Threshold").value) == (True, "90")


async def test_settings_read_before_a_save_are_not_shown(
    visit, alice: Account, sunday_afternoon: Traveller, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = await visit(alice)
    reads: list[Event] = []

    def read_and_wait(*arguments: Any) -> BillingView:
        view = load_billing(*arguments)
        reads.append(Event())
        reads[-1].wait(20)
        return view

    monkeypatch.setattr(billing, "load_billing", read_and_wait)
    before = asyncio.create_task(live.tick())
    await until(lambda: len(reads) == 1)
    sunday_afternoon.shift(1)
    save(user, enabled=True, threshold="65", email="")
    await until(lambda: len(reads) == 2)
    reads[0].set()
    await before
    assert (switch(user).value, field(user, "Threshold").value) == (True, "65")
    reads[1].set()
    await until(lambda: message_of(user))
    assert (switch(user).value, field(user, "Threshold").value) == (True, "65")


async def test_a_second_threshold_is_saved_and_taken_back(visit, alice: Account) -> None:
    user = await visit(alice)
    with user:
        field(user, "Second threshold").value = "95"
    save(user, enabled=True, threshold="65", email="")
    await until(lambda: message_of(user))
    assert alerts(alice) == AlertSettings(True, 65, None, 95)
    with user:
        field(user, "Second threshold").value = " "
    save(user, enabled=True, threshold="65", email="")
    await until(lambda: alerts(alice) == AlertSettings(True, 65))


@pytest.mark.parametrize("second", ["0", "101", "80", "many"])
async def test_a_bad_second_threshold_is_refused_beside_the_field(visit, alice: Account, second: str) -> None:
    user = await visit(alice)
    with user:
        field(user, "Second threshold").value = second
    save(user, enabled=True, threshold="80", email="")
    await until(lambda: complaint(user, "Second threshold"))
    assert alerts(alice) == AlertSettings()


def mail_button(visitor: User) -> ui.button:
    (found,) = (e for e in form(visitor) if isinstance(e, ui.button) and e.text == "Send a test mail")
    return found


async def test_missing_mail_setup_is_named(visit, alice: Account) -> None:
    user = await visit(alice)
    assert mail_button(user).props["disable"] is True
    await user.should_see("Mail is not set up here.")


async def test_a_test_mail_can_be_asked_for(visit, alice: Account, settings_env) -> None:
    settings_env(base_url="http://portal.example.org", smtp_host="127.0.0.1", smtp_from="portal@example.org")
    user = await visit(alice)
    UserInteraction(user, {mail_button(user)}, None).click()
    await until(lambda: message_of(user) == "A test mail is on its way to alice@example.org.")


async def test_past_alerts_are_listed_with_what_became_of_their_mails(visit, alice: Account, gateway: Gateway) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), NOW)
    send(gateway, report("a", prompt_tokens=85, completion_tokens=0), now=NOW - timedelta(minutes=1))
    run(change_alerts, acting(alice), True, 80, None, NOW)
    send(gateway, report("b", prompt_tokens=20, completion_tokens=0))
    user = await visit(alice)
    table = tagged(user, "past-alerts")
    assert isinstance(table, DataTable)
    assert [(row["what"], row["present"], row["mail"], row["why"], row["failed"]) for row in table.rows] == [
        ("Daily budget used up", "now 105.0\u00a0%", "Not sent", "", False),
        ("Daily budget passed 80 %", "now 105.0\u00a0%", "Not sent", "Alerts were off.", False),
    ]
    assert [text for text in everything(user).splitlines() if "Mail is not set up" in text] == [
        "{} Mail is not set up here. Until it is, alerts appear only in the bell at the top."
    ]


async def test_alerts_without_mail_are_not_sent_for_one_reason(
    visit, alice: Account, gateway: Gateway, settings_env
) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), NOW)
    run(change_alerts, acting(alice), True, 80, None, NOW)
    send(gateway, report("a", prompt_tokens=105, completion_tokens=0))
    table = tagged(await visit(alice), "past-alerts")
    assert isinstance(table, DataTable)
    assert [(row["mail"], row["why"]) for row in table.rows] == [("Not sent", "")] * 2
    settings_env(base_url="http://portal.example.org", smtp_host="127.0.0.1", smtp_from="portal@example.org")
    table = tagged(await visit(alice), "past-alerts")
    assert isinstance(table, DataTable)
    assert [(row["mail"], row["why"]) for row in table.rows] == [("Not sent", "Mail was not set up.")] * 2


async def test_past_alerts_say_why_no_mail_was_sent(visit, alice: Account, gateway: Gateway, settings_env) -> None:
    settings_env(base_url="http://portal.example.org", smtp_host="127.0.0.1", smtp_from="portal@example.org")
    run(set_budget, OPERATOR, alice.id, Limits(daily=100), NOW)
    run(change_alerts, acting(alice), True, 80, None, NOW, second_threshold_percent=90)
    send(gateway, report("a", prompt_tokens=95, completion_tokens=0))
    run(set_budget, OPERATOR, alice.id, Limits(daily=96), NOW)
    user = await visit(alice)
    table = tagged(user, "past-alerts")
    assert isinstance(table, DataTable)
    assert [(row["what"], row["mail"], row["why"]) for row in table.rows] == [
        ("Daily budget passed 90 %", "Not sent", "You had been warned already."),
        ("Daily budget passed 80 %", "Not sent", "You had been warned already."),
        ("Daily budget passed 90 % of 100", "On its way", ""),
        ("Daily budget passed 80 % of 100", "Not sent", "One mail tells of the highest threshold."),
    ]


async def test_each_row_says_where_its_budget_leads(visit, alice: Account, gateway: Gateway) -> None:
    days = (NOW - timedelta(ago) for ago in range(30))
    send(gateway, *(report(f"w-{n}", requested_at=day) for n, day in enumerate(days)))
    limit(alice, daily=130, monthly=10**6)
    user = await visit(alice)
    (today_text,) = (text for text in budget(user, "daily") if "pace" in text)
    assert today_text.startswith("Lasts until ")
    assert "Enough for this month" in budget(user, "monthly")
    assert [e.props["data-forecast"] for e in elements(user) if e.props.get("data-testid") == "forecast"] == [
        "early",
        "enough",
        "no_limit",
    ]


async def test_being_warned_ahead_is_saved(visit, alice: Account) -> None:
    user = await visit(alice)
    with user:
        switch(user, 1).value = True
    save(user, enabled=True, threshold="80", email="")
    await until(lambda: message_of(user))
    assert alerts(alice) == AlertSettings(enabled=True, forecast=True)
