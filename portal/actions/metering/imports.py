"""Storing people, templates and usage of another system. Existing data are never overwritten.

Decision: each person is one transaction with keys, limits and template, and each batch of usage is one transaction with
the progress of the import. So an import may be interrupted and repeated at any time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from portal.actions.authority import check_administrator
from portal.actions.metering.reports import store_reports
from portal.actions.metering.usage import Outcome, Result
from portal.actions.people.keys import revoke_key
from portal.actions.spending.budgets import set_budget
from portal.actions.templates import assign_template, define_template
from portal.db.audit import add_entry
from portal.db.metering.imports import (
    Progress,
    add_notes,
    deleted_account_of,
    has_limits,
    key_with_hash,
    note_import_progress,
    remember_person,
)
from portal.db.people.accounts import account_at, account_named, add_account
from portal.db.people.keys import add_key
from portal.db.spending.budgets import limits
from portal.db.tables import Account
from portal.db.templates import AssignedModel, models_of, template_named
from portal.rules.metering.imports import (
    Finding,
    ImportedKey,
    ImportedPerson,
    ImportedTemplate,
    ImportKind,
    ImportOutcome,
)
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Entry, UsageReport
from portal.rules.people.actors import Actor
from portal.rules.spending.budgets import Limits

SHARED_EMAIL = "Another account has their email address already; they have none here."
DIFFERS = "It is not the same here, and stays as it is."
WAS_DELETED = "Their account was deleted here, and stays deleted."


def import_template(session: Session, actor: Actor, new: ImportedTemplate, now: datetime) -> Finding:
    """Store an expert template unless one of this name exists. Raises Forbidden and InvalidInput."""
    check_administrator(session, actor)
    models = [AssignedModel(*model) for model in new.models]
    found = template_named(session, new.name)
    if found is None:
        define_template(session, actor, new.name, new.cost_factor, models, now)
        return Finding(ImportKind.TEMPLATE, ImportOutcome.IMPORTED)
    is_same = found.cost_factor == new.cost_factor and models_of(session, found.id) == models
    return Finding(ImportKind.TEMPLATE, ImportOutcome.PRESENT, "" if is_same else DIFFERS, new.name)


def import_person(
    session: Session, actor: Actor, gateway_id: int, person: str, new: ImportedPerson, now: datetime
) -> list[Finding]:
    """Store a person with keys, limits and template, unless they exist already.

    `person` is the digest of the person's id in the other system, which reports as this gateway. A person with a
    deleted account is not imported again, unless a new account has that name. An import assigns a template again that
    was removed here, because the portal does not store the removal. The findings about keys have the order of the keys.
    """
    check_administrator(session, actor)
    found = account_named(session, new.username)
    if found is None:
        deleted = deleted_account_of(session, gateway_id, person, [key.key_hash for key in new.keys])
        if deleted is not None:
            return _omit_deleted(session, deleted, new)
    findings = [Finding(ImportKind.ACCOUNT, ImportOutcome.IMPORTED if found is None else ImportOutcome.PRESENT)]
    if found is None and account_at(session, new.email) is not None:
        findings.append(Finding(ImportKind.ACCOUNT, ImportOutcome.REMARK, SHARED_EMAIL, new.username))
        new = replace(new, email="")
    account = found or _add_account(session, actor, new, now)
    remember_person(session, gateway_id, person, account.id)
    findings += [_import_key(session, actor, account, key, now) for key in new.keys]
    if new.limits is not None:
        findings.append(_import_limits(session, actor, account, new.limits, now))
    if new.template is not None:
        findings.append(_import_assignment(session, actor, account, new.template, now))
    return findings


def _omit_deleted(session: Session, deleted: Account, person: ImportedPerson) -> list[Finding]:
    """Return the findings for a person with a deleted account, which keeps its keys and their usage."""
    findings = [Finding(ImportKind.ACCOUNT, ImportOutcome.OMITTED, WAS_DELETED, person.username)]
    for key in person.keys:
        found = key_with_hash(session, key.key_hash)
        if found is not None and found.account_id == deleted.id:
            findings.append(Finding(ImportKind.KEY, ImportOutcome.PRESENT))
        else:
            reason = "The account of its owner was deleted here."
            findings.append(Finding(ImportKind.KEY, ImportOutcome.OMITTED, reason, key.prefix))
    return findings


def _add_account(session: Session, actor: Actor, new: ImportedPerson, now: datetime) -> Account:
    row = add_account(session, new.username, new.display_name, new.email, new.role, new.password_hash, now)
    row.active, row.time_zone, row.language = new.active, new.time_zone, new.language
    imported = {"username": row.username, "role": row.role}
    add_entry(session, actor, "account.import", now, account_id=row.id, after=imported)
    return row


def _import_key(session: Session, actor: Actor, account: Account, new: ImportedKey, now: datetime) -> Finding:
    """Store a key, and revoke it if it is revoked in the other system, even if it was imported before."""
    found = key_with_hash(session, new.key_hash)
    if found is not None and found.account_id != account.id:
        return Finding(ImportKind.KEY, ImportOutcome.OMITTED, "Somebody else has it here.", new.prefix)
    outcome = ImportOutcome.PRESENT
    if found is None:
        made_at = min(new.created_at or now, now)
        found = add_key(session, account.id, new.key_hash, new.prefix, new.label, new.expires_at, made_at)
        target, imported = f"key:{new.prefix}", {"label": new.label}
        add_entry(session, actor, "key.import", now, account_id=account.id, target=target, after=imported)
        outcome = ImportOutcome.IMPORTED
    if not new.active:
        revoke_key(session, actor, account.id, found.id, now)
    return Finding(ImportKind.KEY, outcome)


def _import_limits(session: Session, actor: Actor, account: Account, new: Limits, now: datetime) -> Finding:
    if not has_limits(session, account.id):
        set_budget(session, actor, account.id, new, now)
        return Finding(ImportKind.BUDGET, ImportOutcome.IMPORTED)
    reason = "" if limits(session, account.id) == new else DIFFERS
    return Finding(ImportKind.BUDGET, ImportOutcome.PRESENT, reason, account.username)


def _import_assignment(session: Session, actor: Actor, account: Account, name: str, now: datetime) -> Finding:
    template = template_named(session, name)
    if template is None:
        subject = f"{name} to {account.username}"
        return Finding(ImportKind.ASSIGNMENT, ImportOutcome.OMITTED, "The template is not here.", subject)
    if account.template_id is None:
        assign_template(session, actor, account.id, template.id, now)
        return Finding(ImportKind.ASSIGNMENT, ImportOutcome.IMPORTED)
    reason = "" if account.template_id == template.id else "They have another one here, and keep it."
    return Finding(ImportKind.ASSIGNMENT, ImportOutcome.PRESENT, reason, account.username)


@dataclass(frozen=True, slots=True)
class UsageBatch:
    """Usage of a source, notes by request id, and the progress of the import after this batch."""

    source: str
    entries: Sequence[Entry]
    notes: Mapping[str, str]
    progress: Progress


def import_batch(
    session: Session, gateway_id: int, mode: str, batch: UsageBatch, budget_tz: ZoneInfo, now: datetime
) -> list[Finding]:
    """Store usage, and notes on the requests that were counted. Raises Unavailable."""
    outcomes = store_reports(session, Reporter(gateway_id, mode), batch.entries, budget_tz, now)
    pairs = list(zip(batch.entries, outcomes, strict=True))
    counted = {entry.id for entry, outcome in pairs if outcome.result in {Result.ACCEPTED, Result.DUPLICATE}}
    notes = {usage_id: text for usage_id, text in batch.notes.items() if usage_id in counted}
    noted = add_notes(session, gateway_id, notes, now)
    note_import_progress(session, batch.source, batch.progress, now)
    return [_finding(*pair) for pair in pairs] + [_note(usage_id, noted.get(usage_id)) for usage_id in batch.notes]


def _finding(entry: Entry, outcome: Outcome) -> Finding:
    match outcome.result:
        case Result.ACCEPTED:
            return Finding(ImportKind.USAGE, ImportOutcome.IMPORTED)
        case Result.DUPLICATE:
            return Finding(ImportKind.USAGE, ImportOutcome.PRESENT)
        case Result.UNATTRIBUTED if isinstance(entry, UsageReport):
            reason = "Their person is not here; they are held."
            return Finding(ImportKind.USAGE, ImportOutcome.OMITTED, reason, entry.username or "")
        case _:
            return Finding(ImportKind.USAGE, ImportOutcome.OMITTED, outcome.error or "", entry.id or "")


def _note(usage_id: str, is_new: bool | None) -> Finding:
    if is_new is None:
        reason = "Its request is not counted here, or its account was deleted."
        return Finding(ImportKind.NOTE, ImportOutcome.OMITTED, reason, usage_id)
    return Finding(ImportKind.NOTE, ImportOutcome.IMPORTED if is_new else ImportOutcome.PRESENT)
