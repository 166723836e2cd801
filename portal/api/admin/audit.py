"""The audit log for administrators."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends, Query
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import (
    ExportParameters,
    ListAnswer,
    ListQuery,
    PageParameters,
    export_file,
    export_route,
    list_answer,
)
from portal.api.errors import answers
from portal.api.exports import Streaming
from portal.clock import utc_now
from portal.rules.audit_list import AUDIT_LIST
from portal.rules.lists import LONGEST_SEARCH
from portal.rules.people.actors import Actor
from portal.views.audit_list import AuditRow, load_audit_list, load_audit_rows
from portal.words.audit import values_text

router = admin_router("Audit log")

READ = "audit:read"
Reader = Annotated[Actor, Depends(admin_caller(READ))]


class AuditQuery(ListQuery):
    """A filter of the log; days are those of the budget time zone."""

    actor: str = Field(default="", max_length=LONGEST_SEARCH, description="User name, or name of an operator")
    action: str = Field(default="", max_length=LONGEST_SEARCH, examples=["budget.set"])
    target: str = Field(
        default="", max_length=LONGEST_SEARCH, description="Such as `gateway:moe-1`, or a user name", examples=["alice"]
    )
    first: str = Field(default="", alias="from", description="First day", examples=["2026-12-01"])
    last: str = Field(default="", alias="to", description="Last day", examples=["2026-12-31"])


class AuditPageQuery(AuditQuery, PageParameters):
    """A filter and a page."""


class AuditExportQuery(AuditQuery, ExportParameters):
    """Which entries to export, and in which format."""


class AuditAnswer(BaseModel):
    """An entry; `before` and `after` have the fields that changed, null for something new or removed."""

    id: int
    at: datetime
    actor: str
    actor_id: int | None = Field(description="Id of the account of the actor")
    means: str
    action: str
    target: str | None
    account_id: int | None
    username: str | None = Field(description="Name of the account that the entry is about")
    address: str | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    details: dict[str, Any]

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """Return an entry as JSON."""
        return cls.model_validate({name: getattr(row, name) for name in cls.model_fields})


COLUMNS = (*("at", "actor", "means", "action", "target", "username", "address", "before", "after", "details"),)
"""The columns of the export; the values before and after a change are JSON."""


@router.get("/admin/api/audit", responses=answers(401, 403))
def read_audit(session: Reading, caller: Reader, query: Annotated[AuditPageQuery, Query()]) -> ListAnswer[AuditAnswer]:
    """Return one page of the entries that match a filter."""
    wanted = query.filter(AUDIT_LIST)
    view = load_audit_list(session, caller, wanted, utc_now(), query.limit, query.cursor or None)
    return list_answer(view, AuditAnswer.of)


@router.get("/admin/api/audit/export", **export_route(READ, COLUMNS))
def export_audit(session: Streaming, caller: Reader, query: Annotated[AuditExportQuery, Query()]) -> StreamingResponse:
    """Return all entries that match a filter, as a file."""
    rows = load_audit_rows(session, caller, query.filter(AUDIT_LIST))
    return export_file("audit", "Audit log", COLUMNS, map(_cells, rows), query.format, query.bom, utc_now())


def _cells(row: AuditRow) -> list[Any]:
    """Return an entry in the order of COLUMNS."""
    values = map(values_text, (row.before, row.after, row.details))
    return [row.at, row.actor, row.means, row.action, row.target, row.username, row.address, *values]
