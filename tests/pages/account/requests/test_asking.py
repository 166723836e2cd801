"""Asking for more tokens on the card of a budget: who may, what waits, and the answer."""

from datetime import timedelta

import pytest
from nicegui import ui
from nicegui.element import Element
from nicegui.testing import User
from nicegui.testing.user_interaction import UserInteraction

from portal.actions.spending.allowances import end_allowance
from portal.actions.spending.budget_requests import approve_request, ask_for_more, decline_request
from portal.actions.spending.budgets import set_budget
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.pages.components import live
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from portal.views.spending.budget_requests import load_own_requests
from tests.cast import NOW, OPERATOR, acting, run
from tests.pages.screen import complaint_about, control, elements, tagged, texts, until

PAGE = "/user/dashboard"
pytestmark = pytest.mark.usefixtures("sunday_afternoon", "no_feeds")


@pytest.fixture
def limited(alice: Account) -> Account:
    """Alice, who may use 20,000 tokens a month."""
    run(set_budget, OPERATOR, alice.id, Limits(monthly=20_000), NOW)
    return alice


def ask(account: Account) -> int:
    return run(ask_for_more, acting(account), Period.MONTHLY, 5000, "A thesis", NOW)


def foot(visitor: User, period: Period = Period.MONTHLY) -> Element:
    return tagged(visitor, "request", tagged(visitor, f"budget-card-{period}"))


def shown(visitor: User) -> list[str]:
    """Return the texts and buttons at the foot of the card of the month."""
    found = foot(visitor)
    buttons = [e.text for e in found.descendants() if isinstance(e, ui.button) and e.visible]
    return [*texts(found), *buttons] if found.visible else []


def extra(visitor: User) -> list[str]:
    return texts(tagged(visitor, "extra", tagged(visitor, "budget-card-monthly")))


def press(visitor: User, name: str) -> None:
    (found,) = (e for e in foot(visitor).descendants() if isinstance(e, ui.button) and e.text == name)
    UserInteraction(visitor, {found}, None).click()


def form(visitor: User) -> Element:
    (found,) = (e for e in elements(visitor) if e.tag == "form" and e.props.get("data-draft") == "ask-for-more")
    return found


def fill(visitor: User, **values: str) -> None:
    with visitor:
        for name, value in values.items():
            control(form(visitor).descendants(), name.replace("_", " ")).value = value


async def test_request_is_asked_withdrawn_and_asked_again(visit, limited: Account, bob: Account) -> None:
    visitor = await visit(limited)
    assert not foot(visitor, Period.DAILY).visible  # nothing to add to
    press(visitor, "Ask for more")
    fill(visitor, Extra_billable_tokens="5,000", Reason="A thesis")
    UserInteraction(visitor, {form(visitor)}, None).trigger("submit.prevent")
    await until(lambda: shown(visitor) == ["Asked for 5,000 more", "Today 15:05 · waiting for the answer", "Withdraw"])
    (request,) = run_in_reading(load_own_requests, limited.id)
    assert (request.period, request.tokens, request.reason) == (Period.MONTHLY, 5000, "A thesis")
    assert run_in_reading(load_own_requests, bob.id) == ()
    press(visitor, "Withdraw")
    await until(lambda: shown(visitor) == ["Ask for more"])


@pytest.mark.parametrize(
    ("values", "field"),
    [
        pytest.param({"Extra_billable_tokens": "", "Reason": "x"}, "Extra billable tokens", id="no amount"),
        pytest.param({"Extra_billable_tokens": "1.5", "Reason": "x"}, "Extra billable tokens", id="a part of a token"),
        pytest.param({"Extra_billable_tokens": "5", "Reason": " "}, "Reason", id="no reason"),
    ],
)
async def test_invalid_request_is_refused_beside_its_field(visit, limited: Account, values, field: str) -> None:
    visitor = await visit(limited)
    press(visitor, "Ask for more")
    fill(visitor, **values)
    UserInteraction(visitor, {form(visitor)}, None).trigger("submit.prevent")
    inside = list(form(visitor).descendants())
    await until(lambda: complaint_about(inside, control(inside, field)))
    assert run_in_reading(load_own_requests, limited.id) == ()


async def test_answers_are_shown_on_the_card_for_a_week(visit, limited: Account, sunday_afternoon) -> None:
    visitor = await visit(limited)
    allowance = run(approve_request, OPERATOR, ask(limited), NOW, tokens=3000, answer="Good luck.")
    await live.tick()
    assert shown(visitor) == ["3,000 more approved", "Today 15:05 · Good luck.", "Ask for more"]
    assert extra(visitor) == ["Includes 3,000 extra until 30 Nov 2026"]
    run(end_allowance, OPERATOR, allowance, NOW)
    run(decline_request, OPERATOR, ask(limited), "Not this month.", NOW)
    await live.tick()
    assert shown(visitor) == ["5,000 more declined", "Today 15:05 · Not this month.", "Ask for more"]
    assert extra(visitor) == []
    sunday_afternoon.shift(timedelta(days=7))
    await live.tick()
    assert shown(visitor) == ["Ask for more"]
