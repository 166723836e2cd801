"""Administration exists three times: as page, as JSON and as command, and all three call the same actions.

The code says what each of them does: the actions that its modules import, and the pages, routes and commands it has.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import portal
from portal.api import openapi
from portal.cli.commands import ENTRIES
from portal.pages.navigation import MENU
from portal.rules.people.accounts import Role

CODE = Path(portal.__file__).parent
NOUNS = {
    "accounts": ("/admin/accounts", "user"),
    "teams": ("/admin/teams", "team"),
    "budget-requests": ("/admin/requests", "request"),
    "prices": ("/admin/prices", "price"),
    "templates": ("/admin/templates", "template"),
    "gateways": ("/admin/gateways", "gateway"),
    "held": ("/admin/held", "held"),
    "usage": ("/admin/usage", "usage"),
    "notes": ("/admin/notes", "note"),
    "audit": ("/admin/audit", "audit"),
    "system": ("/admin/system", "system"),
}
"""The nouns of `/admin/api/`, each with its page and its command."""
OF_A_PAGE = {"default-budgets": "/admin/accounts"}
"""Nouns of `/admin/api/` that have a dialog on the page of another noun."""
PLACES = {"page": "pages/admin", "JSON": "api/admin", "command": "cli"}

ONE_EVENT = "the page and the command settle any number of held events, with `assigning` and `dismissing`"
HELPER = "a part of another action, or a check before it"
SHELL = "needs the files of the server, or repairs what the page only shows"
OWN_FORM = "changes named limits only; the others replace all limits with `set_budget`"
OWN_DIALOGS = "the page of an account has the dialogs of API Keys"
PERSON = "is seen with a browser: an administrator looks at the portal as a person"
DIFFERENT = {
    "fields.clean_field": HELPER,
    "metering.held.assign_held": ONE_EVENT,
    "metering.held.dismiss_held": ONE_EVENT,
    "metering.held.clean_reason": HELPER,
    "metering.pruning.prune_all": SHELL,
    "metering.verification.begin_verification": "the command verifies by itself, with `verify_ledger`",
    "metering.verification.complete_verification": "the command verifies by itself, with `verify_ledger`",
    "metering.verification.verify_ledger": "the page and the JSON begin a verification that runs on",
    "metering.verification.rebuild_all": SHELL,
    "metering.verification.recount_all": SHELL,
    "people.account_bulk.targets_with_ids": "the command chooses by filter, not by rows",
    "people.accounts.hash_new_password": "the page gives a link instead of a password",
    "people.accounts.set_password": "administrators on the page give a link; the command is for the shell's user",
    "people.acting.act_as": PERSON,
    "people.acting.needs_password": PERSON,
    "people.admin_tokens.note_admin_token_use": HELPER,
    "people.export.allow_export": "page and JSON call it where the file is written, outside of their own modules",
    "people.keys.create_key": OWN_DIALOGS,
    "people.keys.revoke_key": OWN_DIALOGS,
    "people.new_accounts.check_new_account": HELPER,
    "people.new_accounts.create_account": "the page calls it in `create_account_with_link`",
    "people.new_accounts.create_account_with_link": "a form has all at once; JSON and command have several steps",
    "people.new_accounts.team_id_named": HELPER,
    "people.new_accounts.template_id_named": HELPER,
    "people.password_resets.links_can_be_mailed": HELPER,
    "people.password_resets.mail_password_link": "the page shows the link; it is mailed with new accounts only",
    "people.teams.remove_member": "the command takes a person out with `move_account`",
    "retention.kept_days": SHELL,
    "retention.prune_kept": SHELL,
    "spending.budgets.change_budget": OWN_FORM,
    "spending.budgets.change_key_budget": OWN_FORM,
    "spending.budgets.set_budget": OWN_FORM,
    "spending.default_budgets.change_default_budget": OWN_FORM,
    "spending.prices.remove_planned_price": "the command removes prices of the past too, with `remove_price`",
    "spending.prices.remove_price": "page and JSON remove prices that are not in force yet, `remove_planned_price`",
    "templates.assign_template": "the page assigns a template by the change of chosen accounts",
}
"""Actions that not all three call, each with the reason."""


def actions_of(place: str) -> set[str]:
    """Return the actions that the modules below a folder import, as `package.module.function`."""
    return set(_imported(CODE / PLACES[place]))


def _imported(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("portal.actions."):
                module = (node.module or "").removeprefix("portal.actions.")
                yield from (f"{module}.{name.name}" for name in node.names if name.name[0].islower())


def test_every_page_of_the_menu_has_json_and_a_command() -> None:
    pages = {entry.path for entry in MENU if entry.role is Role.ADMIN}
    nouns = {path.split("/")[3] for path in openapi()["paths"] if path.startswith("/admin/api/")}
    assert pages == {page for page, _ in NOUNS.values()}
    assert nouns - OF_A_PAGE.keys() == NOUNS.keys()
    assert {command for _, command in NOUNS.values()} <= {entry.name for entry in ENTRIES}


def test_page_json_and_command_call_the_same_actions() -> None:
    first, *others = (actions_of(place) for place in PLACES)
    differing = first.union(*others) - first.intersection(*others)
    assert sorted(differing) == sorted(DIFFERENT)


@pytest.mark.parametrize("name", DIFFERENT)
def test_actions_that_differ_exist(name: str) -> None:
    module, _, function = name.rpartition(".")
    assert f"def {function}(" in (CODE / "actions" / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
