"""The usage and the billing of one account for administrators, as the person's own JSON has them, without notes."""

from typing import Annotated

from fastapi import Depends, Query
from starlette.responses import StreamingResponse

from portal.api.access import Reading
from portal.api.account.summary import SummaryAnswer, summary_answer
from portal.api.account.usage import PageQuery, UsageAnswer, usage_answer
from portal.api.account.usage_export import COLUMNS, ExportQuery, usage_file
from portal.api.admin.access import admin_router
from portal.api.admin.account import READ, Reader
from portal.api.admin.lists import own_slot
from portal.api.bodies import RowId
from portal.api.errors import answers
from portal.api.exports import Format, Streaming, file_answers
from portal.clock import utc_now
from portal.views.people.person import load_billing_of, load_export_of, load_person, load_usage_of

router = admin_router("Accounts")


@router.get("/admin/api/accounts/{account_id}/usage", responses=answers(401, 403, 404))
def read_usage_of(
    session: Reading, caller: Reader, account_id: RowId, query: Annotated[PageQuery, Query()]
) -> UsageAnswer:
    """Return one page of the requests of an account; days are those of its person."""
    cursor = query.cursor or None
    return usage_answer(load_usage_of(session, caller, account_id, query.filter(), utc_now(), query.limit, cursor))


@router.get(
    "/admin/api/accounts/{account_id}/usage/export",
    dependencies=[Depends(own_slot(READ))],
    response_class=StreamingResponse,
    responses=answers(401, 403, 404) | file_answers(COLUMNS, Format),
)
def export_usage_of(
    session: Streaming, caller: Reader, account_id: RowId, query: Annotated[ExportQuery, Query()]
) -> StreamingResponse:
    """Return all requests of an account that match a filter, as a file."""
    now = utc_now()
    person = load_person(session, caller, account_id, now)
    return usage_file(load_export_of(session, caller, account_id, query.filter(), now), person, query, now)


@router.get("/admin/api/accounts/{account_id}/billing", responses=answers(401, 403, 404))
def read_billing_of(session: Reading, caller: Reader, account_id: RowId) -> SummaryAnswer:
    """Return the sums of an account and the price in force."""
    return summary_answer(load_billing_of(session, caller, account_id, utc_now()).summary)
