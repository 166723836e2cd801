"""The audit log as a list, newest first; every filter has an index that ends with the time of the entries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from portal.db.sql.lists import ListQuery
from portal.db.tables import Account, AuditEntry
from portal.rules.audit_list import KINDS
from portal.rules.lists import ListFilter
from portal.rules.periods import end_of_day, start_of_day
from portal.rules.text import email_key

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An entry; `username` is the present name of the account that it is about."""

    id: int
    at: datetime
    actor: str
    actor_id: int | None
    means: str
    action: str
    target: str | None
    account_id: int | None
    username: str | None
    address: str | None
    before: Values | None
    after: Values | None
    details: Values


_SAME = ("id", "at", "actor", "actor_id", "means", "action", "target", "account_id", "address")


def audit_list(wanted: ListFilter, tz: ZoneInfo) -> ListQuery[AuditRow]:
    """Return the entries that match a filter; its days are those of `tz`."""
    columns = (getattr(AuditEntry, name) for name in (*_SAME, "before", "after", "details"))
    statement = select(*columns, Account.username).outerjoin(Account, Account.id == AuditEntry.account_id)
    return ListQuery(statement.where(*_conditions(wanted, tz)), {"at": AuditEntry.at}, AuditEntry.id, _row)


def _conditions(wanted: ListFilter, tz: ZoneInfo) -> list[Any]:
    found: list[Any] = []
    if actor := wanted.choice("actor"):
        found.append(AuditEntry.actor.in_({actor, actor.lower()}))
    if action := wanted.choice("action"):
        found.append(AuditEntry.action == action)
    if target := wanted.choice("target"):
        names = {target, *(f"{kind}:{target}" for kind in KINDS)}
        own = select(Account.id).where(or_(Account.username == target.lower(), Account.email_key == email_key(target)))
        found.append(or_(AuditEntry.target.in_(sorted(names)), AuditEntry.account_id.in_(own)))
    if first := wanted.choice("from"):
        found.append(AuditEntry.at >= start_of_day(date.fromisoformat(first), tz))
    if last := wanted.choice("to"):
        found.append(AuditEntry.at < end_of_day(date.fromisoformat(last), tz))
    return found


def _row(row: Any) -> AuditRow:
    same = {name: getattr(row, name) for name in _SAME}
    before, after = (None if values is None else json.loads(values) for values in (row.before, row.after))
    return AuditRow(**same, username=row.username, before=before, after=after, details=json.loads(row.details))


def audit_actions(session: Session) -> list[str]:
    """Return every action that is in the audit log, in order; jumps over equal ones in the index."""
    return [row[0] for row in session.execute(_ACTIONS)]


_ACTIONS = text("""
    WITH RECURSIVE found(action) AS (
        SELECT min(action) FROM audit_log
        UNION ALL
        SELECT (SELECT min(action) FROM audit_log WHERE audit_log.action > found.action)
        FROM found WHERE found.action IS NOT NULL
    )
    SELECT action FROM found WHERE action IS NOT NULL ORDER BY action
""")
