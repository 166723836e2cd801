"""Everything that the portal holds of the signed-in person, as one file."""

from typing import Annotated, Any

from fastapi import Depends
from sqlalchemy.orm import Session
from starlette.responses import StreamingResponse

from portal.actions.people.export import allow_export
from portal.api.access import SESSION
from portal.api.account.usage_export import own_slot
from portal.api.bodies import strict_router
from portal.api.errors import answers
from portal.api.exports import download
from portal.clock import utc_now
from portal.db.sql.session import open_snapshot, run_in_transaction
from portal.exports.person import person_archive
from portal.rules.people.actors import Actor
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

_ZIP = "application/zip"
ZIP_ANSWER: dict[int | str, dict[str, Any]] = {
    200: {"description": "A ZIP with JSON and CSV files, and a README that explains them.", "content": {_ZIP: {}}}
}
"""The documentation of the answer."""


@router.get(
    "/user/api/export",
    dependencies=[Depends(own_slot)],
    response_class=StreamingResponse,
    responses=answers(401, 403) | ZIP_ANSWER,
)
def export_me(
    viewer: SignedIn,
    session: Annotated[Session, Depends(open_snapshot)],  # closed after the last byte, not before the first
) -> StreamingResponse:
    """Return everything that the portal holds of the person, without secrets."""
    return person_response(session, viewer.actor, viewer.id, viewer.language)


def person_response(session: Session, actor: Actor, account_id: int, language: str) -> StreamingResponse:
    """Return the file about a person, which the actor has asked for. Raises Forbidden, NotFound and Conflict."""
    now = utc_now()
    username = run_in_transaction(allow_export, actor, account_id, now)
    pieces = person_archive(session, account_id, language, now)
    return download(f"moe-portal-{username}-{now:%Y-%m-%d}.zip", _ZIP, pieces)
