"""What administrators change, nobody else does."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from portal.actions.metering.held import assign_held, dismiss_held
from portal.actions.metering.imports import import_person, import_template
from portal.actions.metering.notes import write_note
from portal.actions.outbox import send_test_mail
from portal.actions.people.accounts import (
    Profile,
    adopt_time_zone,
    change_password,
    change_profile,
    edit_account,
    set_active,
    set_password,
    set_theme,
)
from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import create_key, rename_key, revoke_key
from portal.actions.people.new_accounts import create_account
from portal.actions.people.password_resets import make_password_link
from portal.actions.people.sessions import end_one_session, sign_out_everywhere, sign_out_others, unlock_sign_in
from portal.actions.people.teams import (
    add_manager,
    change_team,
    create_team,
    delete_team,
    move_account,
    remove_manager,
    set_team_active,
    set_team_budget,
)
from portal.actions.spending.alerts import change_alerts, switch_notices
from portal.actions.spending.budget_requests import ask_for_more, read_answers, withdraw_request
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.crossings import read_crossings
from portal.actions.spending.default_budgets import set_default_budget
from portal.actions.spending.prices import enter_price, remove_price, repair_costs
from portal.actions.templates import assign_template, define_template
from portal.db.audit import add_entry
from portal.db.tables import Account
from portal.errors import Forbidden, OnlyLooking
from portal.rules.metering.imports import ImportedPerson, ImportedTemplate
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor, Means
from portal.rules.periods import Period, zone
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, PASSWORD, PASSWORD_HASH, acting, audit_log, create_member, run

UTC = zone("UTC")
PERSON = ImportedPerson("dora", "Dora", "dora@example.org", "admin", True, None, None, "en")
PROFILE = Profile("Alice", None, "UTC", "en", "dark")
TEMPLATE = ImportedTemplate("research", Decimal(1), ())

Change = Callable[[Session, Actor, int], object]


ADMINISTRATION: list[Change] = [
    lambda db, who, _: create_account(db, who, "dora", "dora@example.org", Role.ADMIN, PASSWORD_HASH, NOW),
    lambda db, who, of: edit_account(db, who, of, NOW, role=Role.ADMIN),
    lambda db, who, of: set_password(db, who, of, PASSWORD_HASH, NOW),
    lambda db, who, of: set_active(db, who, of, False, NOW),
    lambda db, who, of: delete_account(db, who, of, NOW),
    lambda db, who, of: set_budget(db, who, of, Limits(), NOW),
    lambda db, who, _: set_default_budget(db, who, Role.USER, Limits(1), NOW),
    lambda db, who, _: define_template(db, who, "research", Decimal(1), [], NOW),
    lambda db, who, of: assign_template(db, who, of, None, NOW),
    lambda db, who, _: enter_price(db, who, Decimal(0), NOW + timedelta(1), NOW),
    lambda db, who, _: remove_price(db, who, None, NOW),
    lambda db, who, _: repair_costs(db, who, None, UTC, NOW),
    lambda db, who, of: assign_held(db, who, 1, of, UTC, NOW),
    lambda db, who, _: dismiss_held(db, who, 1, NOW),
    lambda db, who, _: import_template(db, who, TEMPLATE, NOW),
    lambda db, who, _: import_person(db, who, 1, "digest", PERSON, NOW),
    lambda db, who, of: sign_out_everywhere(db, who, of, NOW),
    lambda db, who, of: end_one_session(db, who, of, 1, NOW),
    lambda db, who, of: unlock_sign_in(db, who, of, NOW),
    lambda db, who, of: make_password_link(db, who, of, NOW),
    lambda db, who, _: create_team(db, who, "Research", "", NOW),
    lambda db, who, _: change_team(db, who, 1, NOW, name="Research"),
    lambda db, who, _: set_team_budget(db, who, 1, Limits(1), NOW),
    lambda db, who, _: set_team_active(db, who, 1, False, NOW),
    lambda db, who, _: delete_team(db, who, 1, NOW),
    lambda db, who, of: move_account(db, who, of, None, NOW),
    lambda db, who, of: add_manager(db, who, 1, of, NOW),
    lambda db, who, of: remove_manager(db, who, 1, of, NOW),
]
OWN: list[Change] = [
    lambda db, who, _: change_profile(db, who, PROFILE, NOW),
    lambda db, who, _: set_theme(db, who, "dark", NOW),
    lambda db, who, _: adopt_time_zone(db, who, "Asia/Tokyo"),
    lambda db, who, _: sign_out_others(db, who, 1, NOW),
    lambda db, who, of: create_key(db, who, of, "laptop", None, NOW),
    lambda db, who, of: rename_key(db, who, of, 1, "laptop", NOW),
    lambda db, who, of: revoke_key(db, who, of, 1, NOW),
    lambda db, who, _: write_note(db, who, 1, "a note", NOW),
    lambda db, who, _: read_crossings(db, who, 1, NOW),
    lambda db, who, _: read_answers(db, who, NOW, NOW),
    lambda db, who, _: ask_for_more(db, who, Period.DAILY, 1, "A test", NOW),
    lambda db, who, _: withdraw_request(db, who, 1, NOW),
    lambda db, who, _: change_alerts(db, who, True, 50, "", NOW),
    lambda db, who, _: switch_notices(db, who, True, NOW),
    lambda db, who, _: send_test_mail(db, who, NOW),
    lambda *given: change_password(given[1], 1, PASSWORD, "two glasses of cold tea", NOW),
]
"""What people change of their own."""


@pytest.mark.parametrize("change", ADMINISTRATION)
def test_only_active_administrators_change_this(alice: Account, admin: Account, change: Change) -> None:
    create_member("other", role="admin")  # the last one could not be suspended
    run(set_active, OPERATOR, admin.id, False, NOW)
    before = audit_log()
    for actor in (acting(alice), acting(admin)):
        with pytest.raises(Forbidden):
            run(change, actor, alice.id)
    assert audit_log() == before


@pytest.mark.parametrize("change", ADMINISTRATION + OWN)
def test_who_acts_as_a_person_changes_nothing(alice: Account, admin: Account, change: Change) -> None:
    before = audit_log()
    for person in (alice, admin):
        with pytest.raises(OnlyLooking):
            run(change, Actor(Means.ACTING, "admin", person.id), alice.id)
    assert audit_log() == before


def test_the_audit_log_takes_nothing_from_who_acts_as_a_person(alice: Account) -> None:
    """Whatever an action forgets: what it has done is undone with its entry."""
    with pytest.raises(OnlyLooking):
        run(lambda db: add_entry(db, Actor(Means.ACTING, "admin", alice.id), "account.theme", NOW))
