"""JSON of the commands, in the forms that help promises."""

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from portal.actions.people.keys import NewKey
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import define_template
from portal.cli.listing import show_json
from portal.db.sql.session import Database
from portal.db.tables import Account
from portal.db.templates import AssignedModel
from portal.rules.spending.budgets import BudgetType, Limits
from tests.cast import NOW, OPERATOR, Gateway, report, run, send
from tests.cli.terminal import portal, succeed


def printed(*words: str) -> Any:
    """Return what a command prints as JSON."""
    return json.loads(succeed(*words, "--json"))


@pytest.fixture
def filled(db: Database, alice: Account, bob: Account, alices_key: NewKey, gateway: Gateway) -> None:
    """One row of everything that is listed."""
    send(gateway, report("r-1"), report("r-2", username="nobody"))
    run(set_budget, OPERATOR, alice.id, Limits(1_000, None, 5_000, BudgetType.SUBSCRIPTION), NOW)
    model = AssignedModel("Code", "qwen3", "gpu-01", True)
    run(define_template, OPERATOR, "research", Decimal("1.25"), [model], NOW)


LISTS = [
    ("user", "list"), ("key", "list", "alice"), ("gateway", "list"), ("held", "list"), ("price", "list"),
    ("template", "list"), ("mail", "failed"), ("budget", "list"),
]  # fmt: skip


@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_are_arrays_whose_keys_help_documents(filled: None, words: tuple[str, ...]) -> None:
    records = printed(*words)
    help_text = " ".join(succeed(*words, "--help").split("JSON: a list of objects with")[1].split())
    assert isinstance(records, list)
    assert records or words == ("mail", "failed")
    for record in records:
        assert [key for key in record if not re.search(rf"\b{key}\b", help_text)] == []


def test_answers_are_objects_whose_keys_help_documents(filled: None) -> None:
    for words in (("verify",), ("budget", "show", "alice"), ("price", "preview", "0.1", "--month", "2026-11")):
        help_text = " ".join(succeed(*words[:2], "--help").split("JSON: an object with")[1].split())
        assert [key for key in printed(*words) if not re.search(rf"\b{key}\b", help_text)] == []


def test_tokens_are_integers_rates_strings_and_instants_utc(filled: None) -> None:
    [alice, bob] = printed("budget", "list")
    assert alice == printed("budget", "show", "alice") == printed("budget", "show", "Alice@example.org")
    assert (alice["daily"]["limit"], alice["monthly"]["limit"], alice["type"]) == (1_000, None, "subscription")
    assert type(alice["total"]["consumed"]) is int
    assert bob["username"] == "bob"
    [price] = printed("price", "list")
    assert (price["valid_from"], price["eur_per_token"], price["status"]) == (None, "0.00002", "in_force")
    assert {price[name] for name in ("model", "prompt", "completion", "cached")} == {None}
    assert printed("template", "list")[0]["cost_factor"] == "1.25"
    [key] = printed("key", "list", "alice")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", key["created_at"])
    assert key["expires_at"] is None
    [held] = printed("held", "list")
    assert (held["gateway"], held["id"], held["reason"]) == ("moe-1", "r-2", "unattributed")


def test_verify_says_what_differs_as_json_and_in_its_status(filled: None, db: Database) -> None:
    assert printed("verify") == {"ties": True, "accounts": 2, "requests": 1, "pruned_requests": 0, "differences": []}
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE usage_counters SET tokens = tokens + 1 WHERE period = 'total'")
    done = portal("verify", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["ties"]) == (1, False)
    [fault] = found["differences"]
    assert (fault["username"], fault["sum"]) == ("alice", "total counter of 1970-01-01")
    assert fault["kept"]["tokens"] == fault["true"]["tokens"] + 1


def test_what_has_no_form_in_json_is_a_bug() -> None:
    with pytest.raises(TypeError, match="object has no form"):
        show_json(object())
