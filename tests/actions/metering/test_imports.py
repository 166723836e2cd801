"""What an import stores, and what it leaves as it is."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select

from portal.actions.metering.gateways import import_gateway
from portal.actions.metering.imports import (
    SHARED_EMAIL,
    WAS_DELETED,
    UsageBatch,
    import_batch,
    import_person,
    import_template,
)
from portal.actions.metering.verification import verify_ledger
from portal.actions.people.deletion import delete_account
from portal.actions.people.keys import NewKey
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.db.metering.imports import Progress, import_progress
from portal.db.people.accounts import account_named, all_accounts
from portal.db.people.keys import keys
from portal.db.spending.budgets import limits
from portal.db.sql.session import Database, run_in_reading
from portal.db.tables import Account, ImportedAccount, Note, UsageEvent
from portal.db.templates import models_of, template_named, template_of
from portal.errors import InvalidInput
from portal.rules.metering.imports import (
    Finding,
    ImportedKey,
    ImportedPerson,
    ImportedTemplate,
    ImportKind,
    ImportOutcome,
    ModelOfCategory,
)
from portal.rules.metering.usage import Rejected, UsageReport
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits
from portal.settings import settings
from portal.views.templates import find_template
from tests.cast import NOW, OPERATOR, id_of, opens, report, run

SECRET = "moe-sk-" + "0" * 48
KEY = ImportedKey(digest(SECRET), SECRET[:16], "Laptop", True, NOW - timedelta(days=9), None)
DORA = ImportedPerson(
    "dora", "Dora D.", "dora@example.org", "expert", True, "$2b$04$" + "a" * 53, "Etc/GMT-2", "de", (KEY,), Limits(5)
)
RESEARCH = ImportedTemplate("Research", Decimal("1.5"), (ModelOfCategory("code", "phi4:14b", "gpu-1", True),))


def findings_of(person: ImportedPerson, user_id: str = "") -> list[Finding]:
    """Import a person, who has an id of their own there."""
    gateway = run(import_gateway, OPERATOR, "moe-sovereign", NOW)
    return run(import_person, OPERATOR, gateway.id, digest(user_id or person.username), person, NOW)


def outcomes_of(person: ImportedPerson, user_id: str = "") -> dict[ImportKind, ImportOutcome]:
    return {finding.kind: finding.outcome for finding in findings_of(person, user_id)}


def the(username: str) -> Account:
    found = run_in_reading(account_named, username)
    assert found is not None
    return found


def test_a_person_comes_with_all_that_is_theirs(db: Database) -> None:
    run(import_template, OPERATOR, RESEARCH, NOW)
    outcomes = outcomes_of(replace(DORA, template="Research"))
    assert outcomes == dict.fromkeys(
        (ImportKind.ACCOUNT, ImportKind.KEY, ImportKind.BUDGET, ImportKind.ASSIGNMENT), ImportOutcome.IMPORTED
    )
    dora = the("dora")
    assert (dora.display_name, dora.role, dora.time_zone, dora.language) == ("Dora D.", "expert", "Etc/GMT-2", "de")
    assert dora.password_hash == DORA.password_hash
    [key] = run_in_reading(keys, dora.id)
    assert (key.label, key.prefix, key.created_at) == ("Laptop", SECRET[:16], NOW - timedelta(days=9))
    assert opens(SECRET, NOW)
    assert run_in_reading(limits, dora.id) == Limits(5)
    template = run_in_reading(template_of, dora.id)
    assert template is not None
    assert (template.name, template.cost_factor) == ("Research", Decimal("1.5"))


def test_a_person_who_is_here_stays_as_they_are(db: Database, alice: Account, bob: Account) -> None:
    run(define_template, OPERATOR, "Law", Decimal(1), [], NOW)
    run(assign_template, OPERATOR, alice.id, run(find_template, "Law").id, NOW)
    run(set_budget, OPERATOR, alice.id, Limits(), NOW)
    run(import_template, OPERATOR, RESEARCH, NOW)
    outcomes = outcomes_of(replace(DORA, username="alice", active=False, template="Research"))
    assert outcomes == {
        ImportKind.ACCOUNT: ImportOutcome.PRESENT,
        ImportKind.KEY: ImportOutcome.IMPORTED,
        ImportKind.BUDGET: ImportOutcome.PRESENT,
        ImportKind.ASSIGNMENT: ImportOutcome.PRESENT,
    }
    now = the("alice")
    assert (now.role, now.active, now.email, now.password_hash) == ("user", True, alice.email, alice.password_hash)
    assert run_in_reading(limits, alice.id) == Limits()
    template = run_in_reading(template_of, alice.id)
    assert template is not None
    assert template.name == "Law"
    assert run_in_reading(keys, bob.id) == []


def test_a_second_person_with_an_address_comes_without_it(db: Database, alice: Account) -> None:
    for username, email in (("dora", "ALICE@example.org"), ("erik", "e@example.org"), ("emil", "E@Example.org")):
        findings = findings_of(replace(DORA, username=username, email=email, keys=()))
        shared = [finding.name for finding in findings if finding.reason == SHARED_EMAIL]
        assert shared == ([] if username == "erik" else [username])
        assert Finding(ImportKind.ACCOUNT, ImportOutcome.IMPORTED) in findings
    addresses = [the(name).email for name in ("alice", "dora", "erik", "emil")]
    assert addresses == ["alice@example.org", "", "e@example.org", ""]


def test_people_without_an_address_do_not_share_one(db: Database) -> None:
    for username in ("dora", "erik"):
        findings = findings_of(replace(DORA, username=username, email="", keys=()))
        assert [finding for finding in findings if finding.reason] == []


def test_person_imported_again_changes_nothing(db: Database) -> None:
    outcomes_of(DORA)
    assert set(outcomes_of(DORA).values()) == {ImportOutcome.PRESENT}
    assert len(run_in_reading(keys, the("dora").id)) == 1


KEYLESS = replace(DORA, keys=())


@pytest.mark.parametrize(
    ("person", "comes_again"),
    [
        pytest.param(KEYLESS, KEYLESS, id="as before"),
        pytest.param(KEYLESS, replace(KEYLESS, username="dora2"), id="under another name"),
        pytest.param(DORA, DORA, id="with a key"),
    ],
)
def test_deleted_account_stays_deleted(
    db: Database, alice: Account, person: ImportedPerson, comes_again: ImportedPerson
) -> None:
    outcomes_of(person, "u-7")
    run(delete_account, OPERATOR, id_of("dora"), NOW)
    findings = findings_of(comes_again, "u-7")
    assert findings[0] == Finding(ImportKind.ACCOUNT, ImportOutcome.OMITTED, WAS_DELETED, comes_again.username)
    assert [finding.outcome for finding in findings[1:]] == [ImportOutcome.PRESENT for _ in comes_again.keys]
    assert [row.deleted_at is None for row in run_in_reading(all_accounts)] == [True, False]


def test_deleted_account_is_found_by_its_key_alone(db: Database) -> None:
    outcomes_of(DORA, "u-7")
    run(delete_account, OPERATOR, id_of("dora"), NOW)
    run(lambda session: session.execute(delete(ImportedAccount)))
    assert outcomes_of(DORA, "u-7")[ImportKind.ACCOUNT] is ImportOutcome.OMITTED


def test_new_key_of_a_deleted_person_is_left(db: Database) -> None:
    outcomes_of(KEYLESS)
    run(delete_account, OPERATOR, id_of("dora"), NOW)
    assert outcomes_of(DORA) == {ImportKind.ACCOUNT: ImportOutcome.OMITTED, ImportKind.KEY: ImportOutcome.OMITTED}
    assert not opens(SECRET, NOW)


def test_new_person_with_the_name_of_a_deleted_one_is_imported(db: Database) -> None:
    outcomes_of(KEYLESS, "u-7")
    run(delete_account, OPERATOR, id_of("dora"), NOW)
    assert outcomes_of(KEYLESS, "u-8")[ImportKind.ACCOUNT] is ImportOutcome.IMPORTED
    assert outcomes_of(KEYLESS, "u-7")[ImportKind.ACCOUNT] is ImportOutcome.PRESENT


def test_a_key_that_somebody_else_has_is_left(db: Database, bobs_key: NewKey, bob: Account) -> None:
    theirs = replace(KEY, key_hash=digest(bobs_key.secret), active=False)
    assert outcomes_of(replace(DORA, keys=(theirs,)))[ImportKind.KEY] is ImportOutcome.OMITTED
    assert run_in_reading(keys, the("dora").id) == []
    assert opens(bobs_key.secret, NOW)


def test_key_locked_there_is_revoked_here_for_ever(db: Database) -> None:
    outcomes_of(DORA)
    outcomes_of(replace(DORA, keys=(replace(KEY, active=False),)))
    assert not opens(SECRET, NOW)
    outcomes_of(DORA)
    assert not opens(SECRET, NOW)


def test_a_template_that_is_here_stays_as_it_is(db: Database) -> None:
    assert run(import_template, OPERATOR, RESEARCH, NOW).outcome is ImportOutcome.IMPORTED
    assert run(import_template, OPERATOR, RESEARCH, NOW) == Finding(
        ImportKind.TEMPLATE, ImportOutcome.PRESENT, "", "Research"
    )
    other = run(import_template, OPERATOR, replace(RESEARCH, cost_factor=Decimal(2), models=()), NOW)
    assert (other.outcome, bool(other.reason)) == (ImportOutcome.PRESENT, True)
    with db.reading() as session:
        here = template_named(session, "Research")
        assert here is not None
        assert here.cost_factor == Decimal("1.5")
        assert len(models_of(session, here.id)) == 1


def test_a_template_out_of_bounds_is_refused(db: Database) -> None:
    with pytest.raises(InvalidInput):
        run(import_template, OPERATOR, replace(RESEARCH, cost_factor=Decimal("NaN")), NOW)


def store(
    *entries: UsageReport | Rejected, notes: dict[str, str] | None = None
) -> list[tuple[ImportKind, ImportOutcome]]:
    """Store usage and notes; return what became of them."""
    gateway = run(import_gateway, OPERATOR, "moe-sovereign", NOW)
    batch = UsageBatch("there", entries, notes or {}, Progress("so far", len(entries)))
    found = run(import_batch, gateway.id, gateway.mode, batch, settings().budget_zone, NOW)
    return [(finding.kind, finding.outcome) for finding in found]


def noted(db: Database) -> list[tuple[Any, ...]]:
    with db.reading() as session:
        query = select(UsageEvent.external_id, Note.account_id, Note.text).join(Note, Note.usage_id == UsageEvent.id)
        return [tuple(row) for row in session.execute(query.order_by(UsageEvent.external_id))]


def test_usage_is_counted_once_and_the_position_noted_with_it(db: Database, alice: Account, bob: Account) -> None:
    batch = report("r-1"), report("r-2", username="bob"), report("r-3", username="nobody"), Rejected(None, "Broken.")
    assert store(*batch) == [
        (ImportKind.USAGE, outcome)
        for outcome in (ImportOutcome.IMPORTED, ImportOutcome.IMPORTED, ImportOutcome.OMITTED, ImportOutcome.OMITTED)
    ]
    assert store(*batch)[:2] == [(ImportKind.USAGE, ImportOutcome.PRESENT)] * 2
    assert store(report("r-1", prompt_tokens=1)) == [(ImportKind.USAGE, ImportOutcome.OMITTED)]
    assert run_in_reading(import_progress, "there") == Progress("so far", 1)
    assert list(verify_ledger(settings().budget_zone)) == []


def test_usage_that_is_not_stored_moves_no_position(
    db: Database, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object) -> None:
        raise OSError("the plug was pulled")

    monkeypatch.setattr("portal.actions.metering.imports.note_import_progress", fails)
    with pytest.raises(OSError, match="plug"):
        store(report("r-1"))
    assert run_in_reading(import_progress, "there") is None
    with db.reading() as session:
        assert session.scalars(select(UsageEvent)).all() == []


def test_notes_come_to_whom_the_request_belongs(db: Database, alice: Account, bob: Account) -> None:
    notes = {"r-1": "hers", "r-2": "his", "r-3": "nobody's"}
    batch = report("r-1"), report("r-2", username="bob"), report("r-3", username="nobody")
    found = store(*batch, notes=notes)
    assert found[3:] == [
        (ImportKind.NOTE, ImportOutcome.IMPORTED),
        (ImportKind.NOTE, ImportOutcome.IMPORTED),
        (ImportKind.NOTE, ImportOutcome.OMITTED),
    ]
    assert noted(db) == [("r-1", alice.id, "hers"), ("r-2", bob.id, "his")]


def test_a_note_that_is_here_stays(db: Database, alice: Account) -> None:
    store(report("r-1"), report("r-2"), notes={"r-1": "first"})
    assert store(report("r-1"), report("r-2"), notes={"r-1": "second", "r-2": "new"})[2:] == [
        (ImportKind.NOTE, ImportOutcome.PRESENT),
        (ImportKind.NOTE, ImportOutcome.IMPORTED),
    ]
    assert noted(db) == [("r-1", alice.id, "first"), ("r-2", alice.id, "new")]


def test_no_note_comes_to_a_deleted_account(db: Database) -> None:
    outcomes_of(DORA)
    used = report("r-1", key_hash=KEY.key_hash)
    store(used, notes={"r-1": "Ask Dora's doctor."})
    run(delete_account, OPERATOR, id_of("dora"), NOW)
    assert store(used, notes={"r-1": "Ask Dora's doctor."}) == [
        (ImportKind.USAGE, ImportOutcome.PRESENT),
        (ImportKind.NOTE, ImportOutcome.OMITTED),
    ]
    assert noted(db) == []


def test_note_on_a_conflicting_request_is_not_imported(db: Database, alice: Account) -> None:
    store(report("r-1"))
    assert store(report("r-1", prompt_tokens=1), notes={"r-1": "wrong"})[1:] == [
        (ImportKind.NOTE, ImportOutcome.OMITTED)
    ]
    assert noted(db) == []
