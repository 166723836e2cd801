"""Writing and deleting notes, which are private text on a person's own requests."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import own_account
from portal.actions.fields import clean_field
from portal.db.metering.notes import delete_note, owns_usage, set_note
from portal.errors import NotFound
from portal.rules.messages import message
from portal.rules.people.actors import Actor
from portal.rules.text import clean_note


def write_note(session: Session, actor: Actor, usage_id: int, text: str, now: datetime) -> str | None:
    """Store a note on one of the actor's own requests and return it. Empty text deletes the note and returns None.

    Raises NotFound, also for a request of another account, InvalidInput for text out of bounds, and NotSignedIn if the
    account is suspended. A note is private, so there is no audit entry.
    """
    account_id = own_account(session, actor).id
    if not owns_usage(session, account_id, usage_id):
        raise NotFound(message("There is no such request."))
    note = clean_field("note", clean_note, text)
    if not note:
        delete_note(session, account_id, usage_id)
        return None
    try:
        set_note(session, account_id, usage_id, note, now)
    except IntegrityError as error:  # it was pruned at this moment
        raise NotFound(message("There is no such request.")) from error
    return note
