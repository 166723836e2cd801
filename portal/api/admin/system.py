"""The state of the portal for administrators: verification, mails, channels and admin tokens."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import BackgroundTasks, Depends
from pydantic import BaseModel, ConfigDict, Field

from portal.actions.metering.verification import begin_verification, complete_verification
from portal.actions.notifications import send_installation_test
from portal.actions.outbox import repeat_message
from portal.actions.people.admin_tokens import create_admin_token, revoke_admin_token
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.backups.schedule import last_backup
from portal.clock import utc_now
from portal.db.sql.session import run_in_transaction
from portal.errors import Forbidden, InvalidInput
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.notifications import Channel
from portal.rules.people.actors import Actor
from portal.views.mails import load_failed_mails
from portal.views.people.admin_tokens import load_admin_tokens
from portal.views.system import load_system
from portal.web.visitors import connected_pages

router = admin_router("System")

READ, WRITE = "system:read", "system:write"
Reader = Annotated[Actor, Depends(admin_caller(READ))]
Writer = Annotated[Actor, Depends(admin_caller(WRITE))]
_ACTION: dict[str, Any] = {"dependencies": [Depends(admin_caller(WRITE)), NO_BODY]}
"""Of routes without a body; the caller comes before the body."""


class _Part(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class DatabasePart(_Part):
    """The database, its size, its schema, and the schema of this program."""

    kind: Literal["sqlite", "postgresql"]
    bytes: int
    revision: str
    newest: str


class VerificationPart(_Part):
    """The last verification; `faults` are sentences about the first 100 differences."""

    started_at: datetime
    finished_at: datetime
    accounts: int
    requests: int
    differences: int
    faults: list[str]


class MailsPart(_Part):
    """Messages that wait, and those of the last 30 days that were given up."""

    is_set_up: bool
    queued: int
    waits_since: datetime | None
    failed: int


class LagPart(_Part):
    """A gateway with a valid token, and the seconds since its last report."""

    id: int
    name: str
    reported_at: datetime | None
    lag_seconds: int | None


class JobPart(_Part):
    """The last run of a background job."""

    job: str
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


class ChannelPart(_Part):
    """A channel of the settings; `host` is where it leads, null if it is not set."""

    channel: str
    host: str | None


class BackupPart(BaseModel):
    """The last scheduled backup."""

    state: str
    started_at: datetime


class SystemAnswer(_Part):
    """The state of the portal; `pages` are the open pages that are connected to this process."""

    version: str
    database: DatabasePart
    verification: VerificationPart | None
    verifying_since: datetime | None
    mails: MailsPart
    gateways: list[LagPart]
    sessions: int
    jobs: list[JobPart]
    channels: list[ChannelPart]
    pages: int = 0
    backup: BackupPart | None = None


class MailPart(_Part):
    """A message that was given up; `can_repeat`: its text is kept."""

    id: int
    given_up_at: datetime | None
    username: str | None
    recipient: str | None
    subject: str
    kind: str
    tries: int
    reason: str | None
    channel: str
    can_repeat: bool


class MailsAnswer(BaseModel):
    """The messages of the last 30 days that were given up, newest first; at most 1,000."""

    items: list[MailPart]


class TokenPart(_Part):
    """An admin token without its secret; `username` is the administrator who created it."""

    id: int
    username: str
    prefix: str
    label: str
    scopes: list[str]
    status: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class TokensAnswer(BaseModel):
    """All admin tokens, newest first."""

    items: list[TokenPart]


class NewTokenBody(Body):
    """A new admin token of the caller."""

    label: str = Field(max_length=200)
    scopes: list[str] = Field(max_length=100)
    expires_at: str | None = Field(default=None, max_length=40, description="An instant with an offset; null: never")

    def ends(self) -> datetime | None:
        """Return the end as an instant. Raises InvalidInput."""
        try:
            return parse_instant(self.expires_at) if self.expires_at else None
        except InvalidInstant as error:
            raise InvalidInput(str(error), "expires_at") from None


class NewTokenAnswer(_Part):
    """The new token; `secret` is shown only here."""

    id: int
    secret: str
    prefix: str
    label: str
    scopes: list[str]
    expires_at: datetime | None


class RecipientAnswer(BaseModel):
    """Where a message goes: an address, or a host."""

    recipient: str


@router.get("/admin/api/system", responses=answers(401, 403))
def read_system(session: Reading, caller: Reader) -> SystemAnswer:
    """Return the state of the portal."""
    found = SystemAnswer.model_validate(load_system(session, caller, utc_now()))
    state = last_backup(session)
    backup = BackupPart(state=state[0], started_at=state[1]) if state else None
    return found.model_copy(update={"pages": connected_pages(), "backup": backup})


@router.post("/admin/api/system/verify", status_code=202, responses=answers(401, 403, 409, 415), **_ACTION)
def verify_now(caller: Writer, tasks: BackgroundTasks) -> None:
    """Begin a verification; `verification` of `/admin/api/system` has its result."""
    night = run_in_transaction(begin_verification, caller, utc_now())
    tasks.add_task(complete_verification, night)


@router.get("/admin/api/system/mails", responses=answers(401, 403))
def read_failed_mails(session: Reading, caller: Reader) -> MailsAnswer:  # noqa: ARG001  # the caller is the check
    """Return the messages that were given up."""
    found = load_failed_mails(session, utc_now())
    return MailsAnswer(items=[MailPart.model_validate(each) for each in found])


@router.post("/admin/api/system/mails/{message_id}/retry", responses=answers(401, 403, 404, 409, 415), **_ACTION)
def retry_mail(caller: Writer, session: Writing, message_id: RowId) -> RecipientAnswer:
    """Send a message that was given up once more, to the present address."""
    return RecipientAnswer(recipient=repeat_message(session, caller, message_id, utc_now()))


@router.post("/admin/api/system/channels/{channel}/test", responses=answers(401, 403, 404, 409, 415), **_ACTION)
def send_channel_test(caller: Writer, session: Writing, channel: Channel) -> RecipientAnswer:
    """Send a test to a channel of the settings."""
    return RecipientAnswer(recipient=send_installation_test(session, caller, channel, utc_now()))


@router.get("/admin/api/system/tokens", responses=answers(401, 403))
def read_admin_tokens(session: Reading, caller: Reader) -> TokensAnswer:  # noqa: ARG001  # the caller is the check
    """Return all admin tokens, also those that have ended."""
    return TokensAnswer(items=[TokenPart.model_validate(each) for each in load_admin_tokens(session, utc_now())])


@router.post(
    "/admin/api/system/tokens",
    status_code=201,
    openapi_extra=body_documentation(NewTokenBody),
    responses=answers(401, 403, 409, 415),
)
def make_admin_token(
    caller: Writer, session: Writing, body: Annotated[NewTokenBody, Depends(JsonBody(NewTokenBody))]
) -> NewTokenAnswer:
    """Create an admin token of the signed-in administrator; a token cannot create another one."""
    if caller.account_id is None:
        raise Forbidden
    made = create_admin_token(session, caller, caller.account_id, body.label, body.scopes, body.ends(), utc_now())
    return NewTokenAnswer.model_validate(made)


@router.delete("/admin/api/system/tokens/{token_id}", status_code=204, responses=answers(401, 403, 404))
def end_admin_token(caller: Writer, session: Writing, token_id: RowId) -> None:
    """Revoke an admin token at once and for ever; a token cannot do that."""
    revoke_admin_token(session, caller, token_id, utc_now())
