"""Budgets and price on the profile of the desktop program are stored, with complaints beside their fields."""

import json
from decimal import Decimal

import pytest
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.spending.budgets import set_budget
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.rules.spending.budgets import BudgetType, Limits
from portal.rules.spending.pricing import FIRST_PRICE
from portal.views.spending.own_limits import load_own_limits
from tests.cast import NOW, OPERATOR, run
from tests.desktops import create_local, use_desktop
from tests.pages.screen import complaint_about, control, tagged, texts, until
from tests.queries import entries

PAGE = "/user/profile"
BUDGETS, PRICE = "budgets-form", "price-form"
NAMES = ("Daily budget", "Monthly budget", "Total budget")
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds", "still_address")


@pytest.fixture
def local(db: object) -> Account:
    use_desktop()
    return create_local()


def field(visitor: User, form: str, name: str):
    return control(tagged(visitor, form).descendants(), name)


def save(visitor: User, form: str, **values: str) -> None:
    with visitor:
        for name, value in values.items():
            field(visitor, form, name.replace("_", " ")).value = value
    (found,) = (element for element in tagged(visitor, form).descendants() if element.tag == "form")
    UserInteraction(visitor, {found}, None).trigger("submit.prevent")


def complaint(visitor: User, form: str, name: str) -> str:
    return complaint_about(tagged(visitor, form).descendants(), field(visitor, form, name))


def stored(account: Account) -> Limits:
    return run(limits, account.id)


def price(account: Account) -> Decimal | None:
    return run(load_own_limits, account.id, NOW).price


async def test_budgets_are_saved(visit, local: Account, bob: Account) -> None:
    user = await visit(local)
    assert [field(user, BUDGETS, name).value for name in NAMES] == ["", "", ""]
    save(user, BUDGETS, Daily_budget="10000", Monthly_budget=" 1,000,000 ", Total_budget="")
    await until(lambda: "Budgets saved." in texts(tagged(user, BUDGETS)))
    assert stored(local) == Limits(daily=10_000, monthly=1_000_000)
    assert stored(bob) == Limits()
    assert [field(user, BUDGETS, name).value for name in NAMES] == ["10,000", "1,000,000", ""]
    (entry,) = run(entries, local.id)
    assert (entry.actor, entry.action, json.loads(entry.after or "")["daily"]) == ("local", "budget.set", 10_000)
    save(user, BUDGETS, Daily_budget="")
    await until(lambda: stored(local).daily is None)


async def test_stored_budgets_are_shown_and_count_again_each_day(visit, local: Account) -> None:
    run(set_budget, OPERATOR, local.id, Limits(daily=5000, total=7, type=BudgetType.ONE_TIME), NOW)
    user = await visit(local)
    assert [field(user, BUDGETS, name).value for name in NAMES] == ["5,000", "", "7"]
    save(user, BUDGETS)
    await until(lambda: stored(local).type is BudgetType.SUBSCRIPTION)
    assert stored(local) == Limits(daily=5000, total=7)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["-1", "1.5", "many", "1" + "0" * 15 + "1", "9" * 60])
async def test_bad_limit_is_refused_beside_its_field(visit, local: Account, name: str, value: str) -> None:
    user = await visit(local)
    save(user, BUDGETS, **{name.replace(" ", "_"): value})
    await until(lambda: complaint(user, BUDGETS, name))
    assert [complaint(user, BUDGETS, other) for other in NAMES if other != name] == ["", ""]
    assert stored(local) == Limits()
    assert run(entries, local.id) == []


async def test_price_is_in_force_from_now(visit, local: Account) -> None:
    user = await visit(local)
    assert field(user, PRICE, "EUR per billable token").value == "0.00002"
    assert "€20.00 for a million tokens" in texts(tagged(user, PRICE))
    save(user, PRICE, EUR_per_billable_token="0,0000005")
    await until(lambda: "Price saved." in texts(tagged(user, PRICE)))
    assert price(local) == Decimal("0.0000005")
    assert field(user, PRICE, "EUR per billable token").value == "0.0000005"
    assert "€0.50 for a million tokens" in texts(tagged(user, PRICE))
    (entry,) = run(entries, None)
    assert (entry.action, entry.before) == ("price.set", None)
    assert json.loads(entry.after or "") == {"eur_per_token": "0.0000005", "valid_from": NOW.isoformat()}


@pytest.mark.parametrize("value", ["", "-1", "free", "1.5", "0." + "0" * 12 + "1", "1e-5"])
async def test_bad_price_is_refused_beside_its_field(visit, local: Account, value: str) -> None:
    user = await visit(local)
    save(user, PRICE, EUR_per_billable_token=value)
    await until(lambda: complaint(user, PRICE, "EUR per billable token"))
    assert price(local) == FIRST_PRICE
