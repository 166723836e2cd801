"""The first steps of a new portal."""

from collections.abc import Callable

import pytest

from portal.actions.metering.gateways import create_gateway
from portal.actions.people.accounts import edit_account
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.default_budgets import set_default_budget
from portal.db.metering.gateways import note_reported
from portal.db.tables import Account
from portal.errors import Forbidden
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import Limits
from portal.views.dashboard import load_dashboard
from portal.views.people.first_steps import FirstSteps, load_first_steps, load_open_steps
from tests.cast import NOW, OPERATOR, Gateway, acting, create_member, report, run, send

ALL_DONE = FirstSteps(gateway=True, people=True, budgets=True, mail=True)


@pytest.fixture
def with_mail(settings_env: Callable[..., None]) -> None:
    settings_env(
        base_url="https://portal.example.org",
        smtp_host="mail.example.org",
        smtp_from="portal@example.org",
    )


@pytest.mark.parametrize("first", ["gateway", "people", "budgets"])
def test_each_step_is_done_on_its_own(admin: Account, first: str) -> None:
    gateway = run(create_gateway, OPERATOR, "gpu-01", NOW)
    run(set_default_budget, OPERATOR, Role.USER, Limits(), NOW)
    assert run(load_first_steps, acting(admin)) == FirstSteps(False, False, False, False)
    if first == "gateway":
        run(note_reported, gateway.id, NOW)
    elif first == "people":
        create_member("alice")
    else:
        run(set_default_budget, OPERATOR, Role.USER, Limits(monthly=0), NOW)
    view = run(load_first_steps, acting(admin))
    assert (view.done, getattr(view, first)) == (1, True)


def test_steps_end_when_all_are_done(admin: Account, alice: Account, gateway: Gateway, with_mail: None) -> None:
    assert run(load_dashboard, admin.id, NOW).first_steps == FirstSteps(False, True, False, True)
    run(set_budget, OPERATOR, alice.id, Limits(daily=5), NOW)
    run(note_reported, gateway.id, NOW)
    assert run(load_first_steps, acting(admin)) == ALL_DONE
    assert run(load_open_steps, admin.id) is None


def test_dashboard_with_requests_shows_no_steps(admin: Account, gateway: Gateway) -> None:
    send(gateway, report(username=admin.username))
    assert run(load_dashboard, admin.id, NOW).first_steps is None


def test_steps_are_for_active_administrators(admin: Account, alice: Account) -> None:
    assert run(load_dashboard, alice.id, NOW).first_steps is None
    with pytest.raises(Forbidden):
        run(load_first_steps, acting(alice))
    create_member("other", role="admin")
    run(lambda session: edit_account(session, OPERATOR, admin.id, NOW, role=Role.USER))
    with pytest.raises(Forbidden):
        run(load_first_steps, acting(admin))
