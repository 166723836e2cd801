"""Exporting a person: the right to it, and the entry in the audit log; `portal.exports.person` makes the file."""

from datetime import datetime

from sqlalchemy.orm import Session

from portal.actions.authority import check_holder_or_administrator, existing_account
from portal.db.audit import add_entry
from portal.rules.people.actors import Actor


def allow_export(session: Session, actor: Actor, account_id: int, now: datetime) -> str:
    """Note that everything about a person is exported; return the user name.

    Raises Forbidden unless it is the actor's own account, or the actor administers; NotFound, and Conflict for a
    deleted account.
    """
    check_holder_or_administrator(session, actor, account_id)
    found = existing_account(session, account_id)
    add_entry(session, actor, "account.export", now, account_id=found.id)
    return found.username
