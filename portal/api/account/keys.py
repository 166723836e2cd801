"""An account's API keys."""

from dataclasses import dataclass, fields
from typing import Annotated

from fastapi import Depends
from pydantic import Field

from portal.actions.people.keys import create_key, rename_key, revoke_key
from portal.actions.spending.budgets import set_key_budget
from portal.api.access import SESSION, Reading, Writing
from portal.api.bodies import NO_BODY, Body, Instant, JsonBody, RowId, body_documentation, strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.rules.text import MAX_LABEL
from portal.views.people.keys import KeysView, KeyView, load_key, load_keys
from portal.web.visitors import SignedIn

router = strict_router("Account", dependencies=[SESSION])

Label = Annotated[str, Field(min_length=1, max_length=MAX_LABEL)]
Limit = Annotated[int, Field(ge=0, le=MAX_LIMIT)] | None


class NewKeyBody(Body):
    """A key to create; without `expires_at` it is valid until it is revoked."""

    label: Label
    expires_at: Instant | None = None


class LabelBody(Body):
    """A new label for a key."""

    label: Label


class KeyBudgetBody(Body):
    """All limits of a key in billable tokens; null is no limit, 0 allows nothing."""

    daily: Limit
    monthly: Limit
    total: Limit


@dataclass(frozen=True, slots=True)
class CreatedKey(KeyView):
    """A new key; `key` is the full key, which is shown only once."""

    key: str


@router.get("/user/api/keys", responses=answers(401))
def read_keys(session: Reading, viewer: SignedIn) -> KeysView:
    """Return all of the account's keys, also those that have ended: the usable ones first, newest first."""
    return load_keys(session, viewer.id, utc_now())


@router.post(
    "/user/api/keys",
    status_code=201,
    openapi_extra=body_documentation(NewKeyBody),
    responses=answers(401, 403, 409, 415),
)
def add_key(
    session: Writing, viewer: SignedIn, new: Annotated[NewKeyBody, Depends(JsonBody(NewKeyBody))]
) -> CreatedKey:
    """Create a key; only this answer shows it in full."""
    now = utc_now()
    created = create_key(session, viewer.actor, viewer.id, new.label, new.expires_at, now)
    view = load_key(session, viewer.id, created.id, now)
    return CreatedKey(**{field.name: getattr(view, field.name) for field in fields(view)}, key=created.secret)


@router.patch(
    "/user/api/keys/{key_id}",
    openapi_extra=body_documentation(LabelBody),
    responses=answers(401, 403, 404, 415),
)
def relabel_key(
    session: Writing, viewer: SignedIn, key_id: RowId, new: Annotated[LabelBody, Depends(JsonBody(LabelBody))]
) -> KeyView:
    """Change the label of a key."""
    now = utc_now()
    rename_key(session, viewer.actor, viewer.id, key_id, new.label, now)
    return load_key(session, viewer.id, key_id, now)


@router.post(
    "/user/api/keys/{key_id}/revoke",
    dependencies=[NO_BODY],
    responses=answers(401, 403, 404, 415),
)
def end_key(session: Writing, viewer: SignedIn, key_id: RowId) -> KeyView:
    """Revoke a key; its past usage stays. May be repeated."""
    now = utc_now()
    revoke_key(session, viewer.actor, viewer.id, key_id, now)
    return load_key(session, viewer.id, key_id, now)


@router.put(
    "/user/api/keys/{key_id}/budget",
    openapi_extra=body_documentation(KeyBudgetBody),
    responses=answers(401, 403, 404, 409, 415),
)
def limit_key(
    session: Writing, viewer: SignedIn, key_id: RowId, new: Annotated[KeyBudgetBody, Depends(JsonBody(KeyBudgetBody))]
) -> KeyView:
    """Replace the budget of a key. Its requests count against the budget of the account too."""
    now = utc_now()
    set_key_budget(session, viewer.actor, viewer.id, key_id, Limits(new.daily, new.monthly, new.total), now)
    return load_key(session, viewer.id, key_id, now)
