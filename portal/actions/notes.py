"""Notes: writing and deleting private text on one's own requests."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.authority import own_account
from portal.db.notes import delete_note, owns_usage, set_note
from portal.errors import InvalidInput, NotFound
from portal.rules.actors import Actor
from portal.rules.messages import message
from portal.rules.text import InvalidText, clean_note


def write_note(session: Session, actor: Actor, usage_id: int, text: str, now: datetime) -> str | None:
    """Store a note on one of the actor's own requests and return it; empty text deletes it and returns None.

    Raises NotFound for somebody else's request, the same as for none, InvalidInput for text out of bounds, and
    NotSignedIn when suspended. A note is private, so the audit log does not tell of it.
    """
    account_id = own_account(session, actor).id
    if not owns_usage(session, account_id, usage_id):
        raise NotFound(message("There is no such request."))
    try:
        note = clean_note(text)
    except InvalidText as error:
        raise InvalidInput(error.sentence, "note") from error
    if not note:
        delete_note(session, account_id, usage_id)
        return None
    try:
        set_note(session, account_id, usage_id, note, now)
    except IntegrityError as error:  # it was pruned at this moment
        raise NotFound(message("There is no such request.")) from error
    return note
