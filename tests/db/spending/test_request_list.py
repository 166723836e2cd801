"""The list of budget requests: what it finds, in which order, and for whom."""

from datetime import timedelta

import pytest

from portal.actions.people.teams import add_manager
from portal.actions.spending.budget_requests import (
    approve_request,
    ask_for_more,
    decline_request,
    withdraw_request,
)
from portal.actions.spending.budgets import set_budget
from portal.db.sql.session import run_in_reading
from portal.db.tables import Account
from portal.errors import Forbidden, NotFound
from portal.rules.people.actors import Actor
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits, PeriodBudget
from portal.rules.spending.request_list import REQUEST_LIST
from portal.views.spending.budget_requests import decider_of, load_open_count
from portal.views.spending.request_list import (
    load_request_list,
    load_request_rows,
    load_request_to_decide,
    reading_decider,
)
from tests.cast import NOW, OPERATOR, Gateway, acting, create_member, new_team, report, run, send, viewer_of


@pytest.fixture
def asked(alice: Account, bob: Account, charlie: Account) -> dict[str, int]:
    """Two open requests of Alice, an approved one of Bob, a declined and a withdrawn one of Charlie; ids by name."""
    for account in (alice, bob, charlie):
        run(set_budget, OPERATOR, account.id, Limits(1000, 20_000), NOW)
    new_team("Écoles", alice, limits=Limits(monthly=50_000))
    new_team("Bakery", bob)
    wanted = {
        "thesis": (alice, Period.MONTHLY, 5000),
        "demo": (alice, Period.DAILY, 300),
        "bread": (bob, Period.DAILY, 400),
        "fun": (charlie, Period.DAILY, 100),
        "error": (charlie, Period.MONTHLY, 200),
    }
    ids = {
        reason: run(ask_for_more, acting(who), period, tokens, reason, NOW + timedelta(minutes=number))
        for number, (reason, (who, period, tokens)) in enumerate(wanted.items())
    }
    run(approve_request, OPERATOR, ids["bread"], NOW + timedelta(hours=1), answer="Enjoy it.")
    run(decline_request, OPERATOR, ids["fun"], "No.", NOW + timedelta(hours=2))
    run(withdraw_request, acting(charlie), ids["error"], NOW)
    return ids


def found(reader: Actor = OPERATOR, **params: str) -> list[str]:
    return run_in_reading(
        lambda session: [row.reason for row in load_request_rows(session, reader, REQUEST_LIST.parse(params))]
    )


@pytest.mark.parametrize(
    ("params", "reasons"),
    [
        pytest.param({}, ["demo", "thesis"], id="open, newest first"),
        pytest.param({"sort": "asked"}, ["thesis", "demo"], id="oldest first"),
        pytest.param({"state": "decided"}, ["fun", "bread"], id="with an answer"),
        pytest.param({"state": "withdrawn"}, ["error"], id="withdrawn"),
        pytest.param({"state": "all", "sort": "-tokens"}, ["thesis", "bread", "demo", "error", "fun"], id="tokens"),
        pytest.param({"state": "all", "sort": "decided"}, ["thesis", "demo", "error", "bread", "fun"], id="answered"),
        pytest.param({"state": "all", "sort": "person"}, ["thesis", "demo", "bread", "fun", "error"], id="person"),
        pytest.param({"state": "all", "sort": "-team"}, ["demo", "thesis", "bread", "error", "fun"], id="team"),
        pytest.param({"state": "all", "period": "monthly"}, ["error", "thesis"], id="period"),
        pytest.param({"state": "all", "team": "ÉCOLES"}, ["demo", "thesis"], id="team in upper case"),
        pytest.param({"state": "all", "team": "Éco"}, [], id="not a part of a team"),
        pytest.param({"state": "all", "search": "BOB"}, ["bread"], id="user name"),
        pytest.param({"state": "all", "search": "enjoy"}, ["bread"], id="answer"),
        pytest.param({"search": "bread"}, [], id="a decided one is not open"),
    ],
)
def test_list_finds_what_the_filter_asks_for(
    databases: object, asked: dict[str, int], params: dict[str, str], reasons: list[str]
) -> None:
    assert found(OPERATOR, **params) == reasons
    page = run_in_reading(load_request_list, OPERATOR, REQUEST_LIST.parse(params), NOW, 2)
    assert ([row.reason for row in page.rows], page.total) == (reasons[:2], len(reasons))


def test_managers_see_requests_of_their_members_only(asked: dict[str, int], alice: Account, bob: Account) -> None:
    manager = create_member("manager")
    with pytest.raises(Forbidden):
        found(acting(manager))
    team = new_team("Own", manager, alice)
    run(add_manager, OPERATOR, team, manager.id, NOW)
    assert found(acting(manager), state="all") == ["demo", "thesis"]
    assert run_in_reading(load_open_count, viewer_of(manager)) == 2
    assert run_in_reading(load_open_count, viewer_of(bob)) == 0
    assert run_in_reading(reading_decider, acting(manager)) == decider_of(viewer_of(manager))
    with pytest.raises(NotFound):
        run_in_reading(load_request_to_decide, acting(manager), asked["bread"], NOW)
    for reader in (alice, bob):
        with pytest.raises(Forbidden):
            run_in_reading(load_request_to_decide, acting(reader), asked["thesis"], NOW)


def test_request_is_shown_with_the_budgets_of_person_and_team(
    databases: object, asked: dict[str, int], gateway: Gateway, bob: Account
) -> None:
    send(gateway, report("r-1", prompt_tokens=700, completion_tokens=0))
    shown = run_in_reading(load_request_to_decide, OPERATOR, asked["thesis"], NOW)
    assert (shown.request.team, shown.budget.period) == ("Écoles", Period.MONTHLY)
    assert shown.budget.budget == PeriodBudget(20_000, 700)
    assert shown.team is not None
    assert (shown.team.name, shown.team.budget) == ("Écoles", PeriodBudget(50_000, 700))
    assert shown.usual_end.isoformat() == "2026-12-01T00:00:00+00:00"
    assert run_in_reading(load_request_to_decide, OPERATOR, asked["fun"], NOW).team is None
