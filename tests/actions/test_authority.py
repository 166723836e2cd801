"""What administrators change, nobody else does."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from portal.actions.metering.held import assign_held, dismiss_held
from portal.actions.metering.imports import import_person, import_template
from portal.actions.people.accounts import create_account, edit_account, set_active, set_password
from portal.actions.people.deletion import delete_account
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.default_budgets import set_default_budget
from portal.actions.spending.prices import enter_price, remove_price, repair_costs
from portal.actions.templates import assign_template, define_template
from portal.db.tables import Account
from portal.errors import Forbidden
from portal.rules.metering.imports import ImportedPerson, ImportedTemplate
from portal.rules.people.accounts import Role
from portal.rules.people.actors import Actor
from portal.rules.periods import zone
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, PASSWORD_HASH, acting, audit_log, create_member, run

UTC = zone("UTC")
PERSON = ImportedPerson("dora", "Dora", "dora@example.org", "admin", True, None, None, "en")
TEMPLATE = ImportedTemplate("research", Decimal(1), ())

Change = Callable[[Session, Actor, int], object]


@pytest.mark.parametrize(
    "change",
    [
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
    ],
)
def test_only_active_administrators_change_this(alice: Account, admin: Account, change: Change) -> None:
    create_member("other", role="admin")  # the last one could not be suspended
    run(set_active, OPERATOR, admin.id, False, NOW)
    before = audit_log()
    for actor in (acting(alice), acting(admin)):
        with pytest.raises(Forbidden):
            run(change, actor, alice.id)
    assert audit_log() == before
