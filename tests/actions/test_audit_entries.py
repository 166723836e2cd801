"""Every change writes one audit entry, and no entry has a secret in it."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select

from portal import actions
from portal.actions import notifications, outbox, retention, templates
from portal.actions.metering import gateways, held, imports, note_search, pruning, verification
from portal.actions.people import (
    account_import,
    accounts,
    admin_tokens,
    deletion,
    export,
    keys,
    new_accounts,
    password_resets,
    sessions,
    teams,
)
from portal.actions.people import (
    acting as acting_as,
)
from portal.actions.people.sessions import Browser
from portal.actions.spending import alerts, allowances, budget_requests, budgets, default_budgets, price_import, prices
from portal.db.outbox import NewMessage, add_message
from portal.db.spending.prices import price_book
from portal.db.tables import Account, AuditEntry, OutboxMessage, Session, UsageEvent
from portal.rules.lists import ListFilter
from portal.rules.metering.imports import ImportedPerson, ImportedTemplate
from portal.rules.notifications import Channel, Topic
from portal.rules.people.accounts import Role
from portal.rules.periods import Period, zone
from portal.rules.retention import Kept
from portal.rules.spending.allowances import NewAllowance
from portal.rules.spending.budgets import Limits
from portal.rules.spending.prices import Price, Rates
from portal.settings import settings
from tests.cast import (
    NOW,
    OPERATOR,
    PASSWORD,
    PASSWORD_HASH,
    Gateway,
    acting,
    new_team,
    report,
    run,
    send,
)

UTC, TOMORROW, DAY = zone("UTC"), NOW + timedelta(1), timedelta(1)
PUBLIC_URL = "https://hooks.example.org/secret-part"
NEW_PASSWORD = "two glasses of cold tea"
_SECRET = re.compile(r"moe-[a-z]{2}-[0-9a-f]{40,}|\$argon2|\$2[aby]\$|[0-9a-f]{64}|token=|secret-part|cold tea")

FILE = account_import.read_import(b"username,email\nemma,emma@example.org\n")
PERSON = ImportedPerson("dora", "Dora", "dora@example.org", "user", True, PASSWORD_HASH, None, "en")

WITHOUT = {
    "check_administrator": "only checks",
    "check_holder": "only checks",
    "check_holder_or_administrator": "only checks",
    "check_manager_of_account": "only checks",
    "check_team_manager": "only checks",
    "own_account": "only checks",
    "refuse_acting": "only checks",
    "needs_password": "only reads",
    "plan_import": "only reads",
    "plan_price_import": "only reads",
    "targets_with_ids": "only reads",
    "matching_numbers": "only reads",
    "assigning": "returns a function that calls assign_held",
    "dismissing": "returns a function that calls dismiss_held",
    "write_note": "a note is its person's own",
    "connect_program": "only in the desktop program, which has one person",
    "read_bell": "marks as read",
    "read_answers": "marks as read",
    "read_crossings": "marks as read",
    "adopt_time_zone": "the browser does it, nobody decides",
}
"""Public functions with an actor that write no entry, and why."""


@dataclass
class World:
    """An administrator, a person with a key and a request, and things that can be changed."""

    admin: Account
    alice: Account
    gateway: Gateway

    @property
    def root(self) -> Any:
        return acting(self.admin)

    @property
    def own(self) -> Any:
        return acting(self.alice)

    @property
    def key(self) -> int:
        found: int = run(keys.create_key, self.own, self.alice.id, "before", None, NOW).id
        return found

    @property
    def team(self) -> int:
        return new_team("Physics")

    @property
    def session(self) -> int:
        return session_of(self.alice)

    @property
    def template(self) -> int:
        found: int = run(templates.define_template, OPERATOR, "coding", Decimal(1), [], NOW)
        return found

    @property
    def held(self) -> int:
        send(self.gateway, report("stray", username="nobody"))
        return next(iter(held.matching_numbers(OPERATOR, ListFilter())))

    @property
    def usage(self) -> int:
        send(self.gateway, report())
        return run(lambda db: db.scalars(select(UsageEvent.id)).one())

    @property
    def asked(self) -> int:
        run(budgets.set_budget, OPERATOR, self.alice.id, Limits(daily=1, monthly=1, total=1), NOW)
        found: int = run(budget_requests.ask_for_more, self.own, Period.DAILY, 1, "Thesis", NOW)
        return found


def newest_message() -> int:
    return int(run(lambda session: session.scalars(select(func.max(OutboxMessage.id))).one()))


def session_of(account: Account) -> int:
    run(sessions.open_session_for, account.id, Browser("Firefox", "192.0.2.1"), NOW)
    return run(lambda db: db.scalars(select(Session.id).where(Session.account_id == account.id)).one())


def limit_alice(world: World) -> int:
    run(budgets.set_budget, OPERATOR, world.alice.id, Limits(monthly=1), NOW)
    return world.alice.id


PRICES = b'{"gpt-4o": {"input_cost_per_token": 4e-06, "output_cost_per_token": 8e-06}}'
NEW_ALLOWANCE = NewAllowance(Period.MONTHLY, 5, "Thesis", NOW + 5 * DAY)
RATES = Rates(Decimal(1), Decimal(2), Decimal(0))

Call = Callable[..., Any]


def prepared(prepare: Callable[[World], Any], call: Call) -> tuple[Callable[[World], Any], Call]:
    """Return a row: the preparation, and the change, which gets the world and the prepared value."""
    return prepare, call


def plain(call: Callable[[World], Any]) -> tuple[Callable[[World], Any], Call]:
    return (lambda _: None), (lambda world, _: call(world))


ROWS: dict[str, tuple[Callable[[World], Any], Call]] = {
    "create_gateway": plain(lambda w: run(gateways.create_gateway, w.root, "moe-2", NOW)),
    "import_gateway": plain(lambda w: run(gateways.import_gateway, w.root, "moe-3", NOW)),
    "create_gateway_token": plain(lambda w: run(gateways.create_gateway_token, w.root, w.gateway.id, NOW)),
    "revoke_gateway_tokens": plain(lambda w: run(gateways.revoke_gateway_tokens, w.root, w.gateway.id, NOW)),
    "assign_held": prepared(lambda w: w.held, lambda w, of: run(held.assign_held, w.root, of, w.alice.id, UTC, NOW)),
    "dismiss_held": prepared(lambda w: w.held, lambda w, of: run(held.dismiss_held, w.root, of, NOW)),
    "import_template": plain(
        lambda w: run(imports.import_template, w.root, ImportedTemplate("research", Decimal(1), ()), NOW)
    ),
    "import_person": plain(lambda w: run(imports.import_person, OPERATOR, w.gateway.id, "digest", PERSON, NOW)),
    "note_look": plain(lambda w: run(note_search.note_look, w.root, ListFilter(search="x"), NOW)),
    "set_webhook": plain(lambda w: run(notifications.set_webhook, w.own, PUBLIC_URL, NOW)),
    "set_chat": plain(lambda w: run(notifications.set_chat, w.own, PUBLIC_URL, NOW)),
    "remove_channel": prepared(
        lambda w: run(notifications.set_webhook, w.own, PUBLIC_URL, NOW),
        lambda w, _: run(notifications.remove_channel, w.own, Channel.WEBHOOK, NOW),
    ),
    "choose": plain(lambda w: run(notifications.choose, w.own, {(Topic.ALERT, Channel.WEBHOOK): False}, NOW)),
    "import_accounts": plain(lambda w: run(account_import.import_accounts, w.root, FILE, NOW)),
    "edit_account": plain(lambda w: run(accounts.edit_account, w.root, w.alice.id, NOW, display_name="Al")),
    "set_password": plain(lambda w: run(accounts.set_password, w.root, w.alice.id, PASSWORD_HASH, NOW)),
    "set_active": plain(lambda w: run(accounts.set_active, w.root, w.alice.id, False, NOW)),
    "change_profile": plain(
        lambda w: run(accounts.change_profile, w.own, accounts.Profile("Al", None, "UTC", "en", "dark"), NOW)
    ),
    "set_theme": plain(lambda w: run(accounts.set_theme, w.own, "dark", NOW)),
    "change_password": prepared(
        lambda w: w.session, lambda w, of: accounts.change_password(w.own, of, PASSWORD, NEW_PASSWORD, NOW)
    ),
    "create_admin_token": plain(
        lambda w: run(admin_tokens.create_admin_token, w.root, w.admin.id, "ci", ["usage:read"], None, NOW)
    ),
    "revoke_admin_token": prepared(
        lambda w: run(admin_tokens.create_admin_token, w.root, w.admin.id, "ci", ["usage:read"], None, NOW).id,
        lambda w, of: run(admin_tokens.revoke_admin_token, w.root, of, NOW),
    ),
    "delete_account": plain(lambda w: run(deletion.delete_account, w.root, w.alice.id, NOW)),
    "allow_export": plain(lambda w: run(export.allow_export, w.root, w.alice.id, NOW)),
    "create_key": plain(lambda w: run(keys.create_key, w.own, w.alice.id, "laptop", None, NOW)),
    "rename_key": prepared(lambda w: w.key, lambda w, of: run(keys.rename_key, w.own, w.alice.id, of, "ci", NOW)),
    "revoke_key": prepared(lambda w: w.key, lambda w, of: run(keys.revoke_key, w.own, w.alice.id, of, NOW)),
    "create_account": plain(
        lambda w: run(new_accounts.create_account, w.root, "emma", "emma@example.org", Role.USER, PASSWORD_HASH, NOW)
    ),
    "create_account_with_link": plain(
        lambda w: run(
            new_accounts.create_account_with_link,
            w.root,
            "emma",
            "emma@example.org",
            Role.USER,
            NOW,
            delivery=password_resets.LinkDelivery.SHOW,
        )
    ),
    "make_password_link": plain(lambda w: run(password_resets.make_password_link, w.root, w.alice.id, NOW)),
    "sign_out_others": prepared(lambda w: w.session, lambda w, of: run(sessions.sign_out_others, w.own, of + 1, NOW)),
    "sign_out_everywhere": prepared(
        lambda w: w.session, lambda w, _: run(sessions.sign_out_everywhere, w.root, w.alice.id, NOW)
    ),
    "end_one_session": prepared(
        lambda w: w.session, lambda w, of: run(sessions.end_one_session, w.root, w.alice.id, of, NOW)
    ),
    "unlock_sign_in": plain(lambda w: run(sessions.unlock_sign_in, w.root, w.alice.id, NOW)),
    "create_team": plain(lambda w: run(teams.create_team, w.root, "Physics", "", NOW)),
    "change_team": prepared(lambda w: w.team, lambda w, of: run(teams.change_team, w.root, of, NOW, name="Maths")),
    "set_team_budget": prepared(lambda w: w.team, lambda w, of: run(teams.set_team_budget, w.root, of, Limits(1), NOW)),
    "set_team_active": prepared(lambda w: w.team, lambda w, of: run(teams.set_team_active, w.root, of, False, NOW)),
    "delete_team": prepared(lambda w: w.team, lambda w, of: run(teams.delete_team, w.root, of, NOW)),
    "move_account": prepared(lambda w: w.team, lambda w, of: run(teams.move_account, w.root, w.alice.id, of, NOW)),
    "remove_member": prepared(
        lambda w: new_team("Physics", w.alice), lambda w, of: run(teams.remove_member, w.root, of, w.alice.id, NOW)
    ),
    "add_manager": prepared(lambda w: w.team, lambda w, of: run(teams.add_manager, w.root, of, w.alice.id, NOW)),
    "remove_manager": prepared(
        lambda w: (team := w.team, run(teams.add_manager, w.root, team, w.alice.id, NOW))[0],
        lambda w, of: run(teams.remove_manager, w.root, of, w.alice.id, NOW),
    ),
    "change_alerts": plain(lambda w: run(alerts.change_alerts, w.own, True, 50, "", NOW)),
    "switch_notices": plain(lambda w: run(alerts.switch_notices, w.own, False, NOW)),
    "grant_allowance": prepared(
        limit_alice, lambda w, _: run(allowances.grant_allowance, w.root, w.alice.id, NEW_ALLOWANCE, NOW)
    ),
    "store_allowance": prepared(
        limit_alice, lambda w, _: run(allowances.store_allowance, w.root, w.alice.id, NEW_ALLOWANCE, NOW)
    ),
    "end_allowance": prepared(
        lambda w: run(allowances.grant_allowance, w.root, limit_alice(w), NEW_ALLOWANCE, NOW),
        lambda w, of: run(allowances.end_allowance, w.root, of, NOW),
    ),
    "ask_for_more": prepared(
        lambda w: run(budgets.set_budget, OPERATOR, w.alice.id, Limits(daily=1), NOW),
        lambda w, _: run(budget_requests.ask_for_more, w.own, Period.DAILY, 1, "Thesis", NOW),
    ),
    "withdraw_request": prepared(
        lambda w: w.asked, lambda w, of: run(budget_requests.withdraw_request, w.own, of, NOW)
    ),
    "decline_request": prepared(
        lambda w: w.asked, lambda w, of: run(budget_requests.decline_request, w.root, of, "no", NOW)
    ),
    "set_budget": plain(lambda w: run(budgets.set_budget, w.root, w.alice.id, Limits(1), NOW)),
    "set_key_budget": prepared(
        lambda w: w.key, lambda w, of: run(budgets.set_key_budget, w.own, w.alice.id, of, Limits(1), NOW)
    ),
    "set_default_budget": plain(lambda w: run(default_budgets.set_default_budget, w.root, Role.USER, Limits(1), NOW)),
    "enter_price": plain(lambda w: run(prices.enter_price, w.root, Decimal("0.00001"), TOMORROW, NOW)),
    "enter_model_price": plain(lambda w: run(prices.enter_model_price, w.root, "gpt-*", RATES, TOMORROW, NOW)),
    "end_model_price": prepared(
        lambda w: run(prices.enter_model_price, w.root, "gpt-*", RATES, NOW, NOW),
        lambda w, _: run(prices.end_model_price, w.root, "gpt-*", TOMORROW, NOW),
    ),
    "remove_price": prepared(
        lambda w: run(prices.enter_price, w.root, Decimal("0.00001"), TOMORROW, NOW),
        lambda w, _: run(prices.remove_price, w.root, TOMORROW, NOW),
    ),
    "repair_costs": prepared(
        lambda w: (
            run(prices.remove_price, w.root, None, NOW),
            w.usage,
            run(prices.enter_price, w.root, Decimal("0.00001"), NOW - DAY, NOW),
        ),
        lambda w, _: run(prices.repair_costs, w.root, None, UTC, NOW),
    ),
    "enter": plain(lambda w: run(prices.enter, w.root, Price(Decimal("0.00001"), TOMORROW), NOW)),
    "remove_planned_price": prepared(
        lambda w: run(prices.enter_price, w.root, Decimal("0.00001"), TOMORROW, NOW),
        lambda w, _: run(prices.remove_planned_price, w.root, run(price_book)[-1].id or 0, NOW),
    ),
    "import_prices": plain(
        lambda w: run(
            price_import.import_prices,
            w.root,
            price_import.read_price_import(PRICES, Decimal("0.5"), NOW.date(), ("gpt-4o",), NOW),
            NOW,
        )
    ),
    "approve_request": prepared(lambda w: w.asked, lambda w, of: run(budget_requests.approve_request, w.root, of, NOW)),
    "change_budget": plain(lambda w: run(budgets.change_budget, w.root, w.alice.id, {"daily": 5}, NOW)),
    "change_key_budget": prepared(
        lambda w: w.key, lambda w, of: run(budgets.change_key_budget, w.own, w.alice.id, of, {"daily": 5}, NOW)
    ),
    "change_default_budget": plain(
        lambda w: run(default_budgets.change_default_budget, w.root, Role.USER, {"daily": 5}, NOW)
    ),
    "rebuild_all": plain(lambda w: verification.rebuild_all(w.root, settings().budget_zone, NOW)),
    "recount_all": plain(lambda w: run(verification.recount_all, w.root, settings().budget_zone, NOW)),
    "prune_all": plain(lambda w: pruning.prune_all(w.root, NOW.date(), settings().budget_zone, NOW)),
    "prune_kept": prepared(
        lambda w: [run(gateways.create_gateway, w.root, f"old-{ago}", NOW - ago * DAY) for ago in (800, 1)],
        lambda w, _: retention.prune_kept(w.root, Kept.AUDIT, NOW),
    ),
    "send_test_mail": plain(lambda w: run(outbox.send_test_mail, w.own, NOW)),
    "send_test": prepared(
        lambda w: run(notifications.set_webhook, w.own, PUBLIC_URL, NOW),
        lambda w, _: run(notifications.send_test, w.own, Channel.WEBHOOK, NOW),
    ),
    "send_installation_test": plain(lambda w: run(notifications.send_installation_test, w.root, Channel.WEBHOOK, NOW)),
    "repeat_message": prepared(
        lambda w: run(add_message, NewMessage(w.alice.id, "notice", "", "Subject", "token=x", ""), NOW),
        lambda w, _: run(outbox.repeat_message, w.root, newest_message(), NOW),
    ),
    "begin_verification": plain(lambda w: run(verification.begin_verification, w.root, NOW)),
    "mail_links": plain(lambda w: account_import.mail_links(w.root, [w.alice.id], NOW)),
    "mail_password_link": plain(lambda w: run(password_resets.mail_password_link, w.root, w.alice.id, NOW)),
    "act_as": prepared(lambda w: session_of(w.admin), lambda w, of: acting_as.act_as(w.root, of, w.alice.id, "", NOW)),
    "define_template": plain(lambda w: run(templates.define_template, w.root, "coding", Decimal(1), [], NOW)),
    "define_sovereign_template": plain(
        lambda w: run(templates.define_sovereign_template, w.root, {"name": "coding", "experts": {}}, NOW)
    ),
    "delete_template": prepared(lambda w: w.template, lambda w, of: run(templates.delete_template, w.root, of, NOW)),
    "assign_template": prepared(
        lambda w: w.template, lambda w, of: run(templates.assign_template, w.root, w.alice.id, of, NOW)
    ),
}
"""How each change is made."""
MORE = {"approve_request": 2, "create_gateway": 2, "import_accounts": 2, "create_account_with_link": 2}
"""Changes with more than one entry: each new account, link, token and allowance has its own."""


@pytest.fixture
def post(settings_env: Callable[..., None]) -> None:
    """Mail and the webhook of the installation are set up."""
    webhook = {"notify_webhook_url": PUBLIC_URL, "notify_webhook_secret": "s" * 40}
    mail = {"base_url": "http://portal.example.org", "smtp_host": "127.0.0.1", "smtp_from": "portal@example.org"}
    settings_env(**mail, **webhook)


def changes() -> set[str]:
    """Return the names of the public functions of the actions that get an actor."""
    names = set()
    for module in pkgutil.walk_packages(actions.__path__, "portal.actions."):
        for name, function in vars(importlib.import_module(module.name)).items():
            is_own = inspect.isfunction(function) and function.__module__ == module.name
            if is_own and not name.startswith("_") and "actor" in inspect.signature(function).parameters:
                names.add(name)
    return names


def new_entries(after: int) -> list[AuditEntry]:
    found = select(AuditEntry).where(AuditEntry.id > after).order_by(AuditEntry.id)
    return run(lambda db: list(db.scalars(found)))


def last_entry() -> int:
    return max((entry.id for entry in new_entries(0)), default=0)


def test_every_change_has_a_row() -> None:
    assert changes() == ROWS.keys() | WITHOUT.keys()


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.usefixtures("quick_passwords", "post")
def test_change_writes_one_entry_without_secrets(name: str, alice: Account, admin: Account, gateway: Gateway) -> None:
    world = World(admin, alice, gateway)
    prepare, change = ROWS[name]
    prepared_value = prepare(world)
    before = last_entry()
    change(world, prepared_value)
    entries = new_entries(before)
    assert len(entries) == MORE.get(name, 1), [entry.action for entry in entries]
    for entry in entries:
        text = json.dumps([entry.target, entry.details, entry.before, entry.after])
        assert not _SECRET.search(text), text
        assert entry.at == NOW
        assert entry.actor
