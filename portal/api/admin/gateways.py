"""The gateways for administrators: the list, one gateway, and its tokens."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import Depends
from pydantic import BaseModel, Field

from portal.actions.metering.gateways import create_gateway, create_gateway_token, revoke_gateway_tokens
from portal.api.access import Reading, Writing
from portal.api.admin.access import admin_caller, admin_router
from portal.api.admin.lists import ListAnswer
from portal.api.bodies import NO_BODY, Body, JsonBody, RowId, body_documentation
from portal.api.errors import answers
from portal.clock import utc_now
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import key_prefix
from portal.rules.text import MAX_NAME
from portal.views.metering.gateways import GatewayRow, GatewayView, Pace, load_gateway, load_gateways

router = admin_router("Gateways")

Reader = Annotated[Actor, Depends(admin_caller("gateways:read"))]
Writer = Annotated[Actor, Depends(admin_caller("gateways:write"))]
GATEWAY = "/admin/api/gateways/{gateway_id}"

Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class NewGatewayBody(Body):
    """A gateway to create; `mode` is the mode of requests of which it does not name one."""

    name: Name
    mode: Name = "native"


class RevokeBody(Body):
    """Which token to revoke; without a prefix all of the gateway."""

    prefix: str | None = Field(default=None, max_length=MAX_NAME, description="The first 16 characters of one token")


class PaceAnswer(BaseModel):
    """How fast and how late events of the last 15 minutes arrive."""

    events_per_minute: str = Field(examples=["4.2"])
    lag_seconds: float | None = Field(description="From the request of the newest event to its arrival")

    @classmethod
    def of(cls, pace: Pace) -> Self:
        """Return a pace as JSON."""
        lag = None if pace.lag is None else pace.lag.total_seconds()
        return cls(events_per_minute=f"{pace.per_minute}", lag_seconds=lag)


class KnownGateway(PaceAnswer):
    """What the list and the answer about one gateway have in common."""

    id: int
    name: str
    mode: str
    created_at: datetime
    reported_at: datetime | None


class GatewayAnswer(KnownGateway):
    """A gateway; without tokens it has imported usage or the reports of people themselves."""

    tokens: int = Field(description="Tokens that are not revoked")
    newest_token_at: datetime | None
    rejected: int = Field(description="Rejected events of the last seven days (UTC)")


class TokenAnswer(BaseModel):
    """A token; only its prefix is stored in plain form."""

    prefix: str
    created_at: datetime
    revoked_at: datetime | None


class RejectedAnswer(BaseModel):
    """A reason for which events were rejected."""

    reason: str
    count: int
    first_at: datetime
    last_at: datetime
    example_id: str | None


class GatewayDetails(KnownGateway):
    """A gateway with its tokens and what was not counted; counts of held events end at 1,000."""

    state: str = Field(description="waiting, trouble or connected")
    tokens: list[TokenAnswer]
    unattributed: int
    conflicts: int
    rejected: list[RejectedAnswer]


class MadeTokenAnswer(BaseModel):
    """A new token, which is shown only once."""

    id: int = Field(description="Id of the gateway")
    prefix: str
    token: str


class RevokedAnswer(BaseModel):
    """How many tokens were revoked."""

    revoked: int


@router.get("/admin/api/gateways", responses=answers(401, 403))
def read_gateways(session: Reading, caller: Reader) -> ListAnswer[GatewayAnswer]:
    """Return all gateways by name, in one page."""
    items = [_item(row) for row in load_gateways(session, caller, utc_now())]
    return ListAnswer(items=items, next_cursor=None, total=len(items))


@router.post(
    "/admin/api/gateways",
    status_code=201,
    openapi_extra=body_documentation(NewGatewayBody),
    responses=answers(401, 403, 409, 415),
)
def add_gateway(
    caller: Writer, session: Writing, new: Annotated[NewGatewayBody, Depends(JsonBody(NewGatewayBody))]
) -> MadeTokenAnswer:
    """Create a gateway with its first token."""
    made = create_gateway(session, caller, new.name, utc_now(), new.mode)
    return _made(made.id, made.token or "")


@router.get(GATEWAY, responses=answers(401, 403, 404))
def read_gateway(session: Reading, caller: Reader, gateway_id: RowId) -> GatewayDetails:
    """Return one gateway."""
    view = load_gateway(session, caller, gateway_id, utc_now())
    return GatewayDetails(
        **_known(view),
        state=view.connection.state,
        tokens=[TokenAnswer.model_validate(each, from_attributes=True) for each in view.tokens],
        unattributed=view.unattributed,
        conflicts=view.conflicts,
        rejected=[RejectedAnswer.model_validate(each, from_attributes=True) for each in view.rejected],
    )


@router.post(f"{GATEWAY}/tokens", status_code=201, dependencies=[NO_BODY], responses=answers(401, 403, 404, 415))
def add_gateway_token(caller: Writer, session: Writing, gateway_id: RowId) -> MadeTokenAnswer:
    """Create another token of a gateway; the older ones stay valid until they are revoked."""
    return _made(gateway_id, create_gateway_token(session, caller, gateway_id, utc_now()))


@router.post(f"{GATEWAY}/revoke", openapi_extra=body_documentation(RevokeBody), responses=answers(401, 403, 404, 415))
def revoke_tokens(
    caller: Writer,
    session: Writing,
    gateway_id: RowId,
    which: Annotated[RevokeBody, Depends(JsonBody(RevokeBody))],
) -> RevokedAnswer:
    """Revoke one token of a gateway, or all of them; what it has reported stays."""
    return RevokedAnswer(revoked=revoke_gateway_tokens(session, caller, gateway_id, utc_now(), prefix=which.prefix))


def _item(row: GatewayRow) -> GatewayAnswer:
    return GatewayAnswer(**_known(row), tokens=row.tokens, newest_token_at=row.token_at, rejected=row.rejected)


def _known(gateway: GatewayRow | GatewayView) -> dict[str, Any]:
    own = {name: getattr(gateway, name) for name in ("id", "name", "mode", "created_at", "reported_at")}
    return own | PaceAnswer.of(gateway.pace).model_dump()


def _made(gateway_id: int, token: str) -> MadeTokenAnswer:
    return MadeTokenAnswer(id=gateway_id, prefix=key_prefix(token), token=token)
