"""The audit log for administrators: page, JSON, export and command."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy.orm import Session

from portal.db.audit_list import AuditRow as AuditRow  # noqa: PLC0414  # for pages, which do not import db
from portal.db.audit_list import audit_actions, audit_list
from portal.rules.audit_list import AUDIT_LIST
from portal.rules.lists import ListFilter
from portal.rules.people.actors import Actor
from portal.settings import settings
from portal.views.authority import check_reader
from portal.views.lists import ListView, load_list, load_list_rows


def load_audit_list(
    session: Session, reader: Actor, wanted: ListFilter, _now: datetime, limit: int, cursor: str | None = None
) -> ListView[AuditRow]:
    """Return one page of the log. Raises Forbidden, and InvalidInput for a malformed cursor."""
    check_reader(session, reader)
    return load_list(session, audit_list(wanted, settings().budget_zone), AUDIT_LIST, wanted, limit, cursor)


def load_audit_rows(session: Session, reader: Actor, wanted: ListFilter) -> Iterator[AuditRow]:
    """Return all filtered entries, newest first; needs an open session. Raises Forbidden."""
    check_reader(session, reader)
    return load_list_rows(session, audit_list(wanted, settings().budget_zone), AUDIT_LIST, wanted)


def load_audit_actions(session: Session, reader: Actor) -> list[str]:
    """Return every action that is in the log. Raises Forbidden."""
    check_reader(session, reader)
    return audit_actions(session)
