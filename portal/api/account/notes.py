"""Notes on an account's own requests."""

from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel

from portal.actions.metering.notes import write_note
from portal.api.access import SESSION, Writing
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation, strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])


class NoteBody(Body):
    """A note of up to 4,000 characters; an empty text deletes it."""

    note: str


class NoteAnswer(BaseModel):
    """The present note of the request; null means none."""

    note: str | None


@router.put(
    "/user/api/usage/{usage_id}/note",
    openapi_extra=body_documentation(NoteBody),
    responses=answers(401, 403, 404, 415),
)
def put_note(
    session: Writing, viewer: SignedIn, usage_id: RowId, new: Annotated[NoteBody, Depends(JsonBody(NoteBody))]
) -> NoteAnswer:
    """Write the note on one of the account's requests, and replace an older one."""
    return NoteAnswer(note=write_note(session, viewer.actor, usage_id, new.note, utc_now()))


@router.delete(
    "/user/api/usage/{usage_id}/note",
    dependencies=[NO_BODY],
    responses=answers(401, 403, 404, 415),
)
def delete_note(session: Writing, viewer: SignedIn, usage_id: RowId) -> NoteAnswer:
    """Delete the note on one of the account's requests, if there is one."""
    return NoteAnswer(note=write_note(session, viewer.actor, usage_id, "", utc_now()))
