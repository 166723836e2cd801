"""Everything that the portal holds of the signed-in person, as one file."""

from typing import Annotated

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from portal.actions.people.export import allow_export
from portal.api.access import SESSION
from portal.api.account.usage_export import own_slot
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import open_snapshot, run_in_transaction
from portal.exports.person import person_archive
from portal.views.people.accounts import Viewer
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

_ZIP = "application/zip"


@router.get(
    "/user/api/export",
    dependencies=[Depends(own_slot)],
    response_class=StreamingResponse,
    responses=answers(401, 403)
    | {200: {"description": "A ZIP with JSON and CSV files, and a README that explains them.", "content": {_ZIP: {}}}},
)
def export_me(
    viewer: SignedIn,
    session: Annotated[Session, Depends(open_snapshot)],  # closed after the last byte, not before the first
) -> StreamingResponse:
    """Return everything that the portal holds of the person, without secrets."""
    return person_response(session, viewer, viewer.id)


def person_response(session: Session, viewer: Viewer, account_id: int) -> StreamingResponse:
    """Return the file about a person, which the viewer has asked for. Raises Forbidden, NotFound and Conflict."""
    now = utc_now()
    username = run_in_transaction(allow_export, viewer.actor, account_id, now)
    headers = {"Content-Disposition": f'attachment; filename="moe-portal-{username}-{now:%Y-%m-%d}.zip"'}
    pieces = person_archive(session, account_id, viewer.language, now)
    return StreamingResponse(pieces, media_type=_ZIP, headers=headers)
