"""Erase a person: delete all their rows in all tables, except usage, its sums, and the digests of keys."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from portal.db.audit import erasing
from portal.db.people.held_names import held_events_naming, is_name_of
from portal.db.people.sessions import end_acting
from portal.db.tables import (
    Account,
    AdminToken,
    AlertSettings,
    Allowance,
    ApiKey,
    AuditEntry,
    Budget,
    BudgetRequest,
    Crossing,
    HeldEvent,
    KeyBudget,
    Note,
    NotificationChannel,
    NotificationChoice,
    OutboxMessage,
    Reservation,
    ResetLink,
    SignInFailure,
    TeamManager,
)
from portal.db.tables import Session as SessionRow
from portal.rules.text import deleted_username, email_key

DELETED_NAME = "Deleted account"
DELETED_LABEL = "deleted"
_OWNED = (
    *(SessionRow, ResetLink, Note, OutboxMessage, NotificationChannel, NotificationChoice, Crossing, AlertSettings),
    *(Budget, BudgetRequest, Allowance, Reservation, AdminToken, TeamManager),
)
"""Tables with rows of an account that are deleted, in an order in which no row refers to a deleted one."""
_PERSONAL = {"username", "email", "display_name", "label", "address", "time_zone"}
"""Details of audit entries about an account that are erased."""
_JSON = (AuditEntry.details, AuditEntry.before, AuditEntry.after)
"""Columns of audit entries with JSON objects."""


def erase_person(session: Session, own: Account, now: datetime) -> None:
    """Erase all personal data of an account and rename it to `deleted-<id>`; the caller must lock the account first."""
    end_acting(session, own.id)
    for table in _OWNED:
        session.execute(delete(table).where(table.account_id == own.id))
    keys = select(ApiKey.id).where(ApiKey.account_id == own.id)
    session.execute(delete(KeyBudget).where(KeyBudget.api_key_id.in_(keys)))
    session.execute(update(ApiKey).where(ApiKey.account_id == own.id).values(label=DELETED_LABEL))
    unrevoked = ApiKey.account_id == own.id, ApiKey.revoked_at.is_(None)
    session.execute(update(ApiKey).where(*unrevoked).values(revoked_at=now))
    names = {own.username, own.email.lower(), email_key(own.email)} - {"", None}
    session.execute(delete(SignInFailure).where(SignInFailure.name.in_(names)))
    _rename_in_held_events(session, own)
    _rename_in_audit_log(session, own)
    own.username, own.display_name, own.email = deleted_username(own.id), DELETED_NAME, ""
    own.password_hash, own.time_zone, own.signed_in_at, own.team_id = None, None, None, None
    own.active, own.deleted_at = False, now
    own.role, own.language, own.theme = "user", "en", "system"
    session.flush()


def _rename_in_held_events(session: Session, own: Account) -> None:
    """Write the new name into held events that name the person; their fingerprints do not change."""
    for held_id, payload in list(held_events_naming(session, own)):
        payload["username"] = deleted_username(own.id)
        renamed = json.dumps(payload, separators=(",", ":"), ensure_ascii=True)
        session.execute(update(HeldEvent).where(HeldEvent.id == held_id).values(body=renamed))


def _rename_in_audit_log(session: Session, own: Account) -> None:
    """Write the new name into entries by the person, and erase personal values in entries by or about the person."""
    new = deleted_username(own.id)
    by_them = or_(AuditEntry.actor_id == own.id, AuditEntry.actor == own.username[:80])
    texts = [json.dumps(text)[1:-1] for text in (own.username, own.email) if text]
    named = [column.icontains(text, autoescape=True) for text in texts for column in _JSON]
    wanted = select(AuditEntry.id, AuditEntry.account_id, *_JSON)
    rows = session.execute(wanted.where(or_(AuditEntry.account_id == own.id, *named))).all()
    with erasing(session, own.id):
        session.execute(update(AuditEntry).where(by_them).values(actor=new, address=None))
        session.execute(update(AuditEntry).where(AuditEntry.account_id == own.id).values(address=None))
        for entry_id, account_id, *stored in rows:
            renamed = [_erased(own, text, is_about_them=account_id == own.id) for text in stored]
            if renamed != stored:
                values = dict(zip(_JSON, renamed, strict=True))
                session.execute(update(AuditEntry).where(AuditEntry.id == entry_id).values(values))


def _erased(own: Account, text: str | None, *, is_about_them: bool) -> str | None:
    if text is None:
        return None
    values = json.loads(text)
    kept = {name: value for name, value in values.items() if not is_about_them or name not in _PERSONAL}
    return json.dumps(_renamed(own, kept), sort_keys=True)


def _renamed(own: Account, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(own, each) for name, each in value.items()}
    if isinstance(value, list):
        return [_renamed(own, each) for each in value]
    return deleted_username(own.id) if is_name_of(own, value) else value
