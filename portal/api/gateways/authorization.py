"""Authorization of requests of gateways: `POST /api/v1/authorize`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Self

from fastapi import Depends
from pydantic import Field, TypeAdapter, model_validator
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.spending.authorization import Authorization, AuthorizationRequest, authorize, note_key_use
from portal.api.access import GatewayToken, reporting_gateway
from portal.api.bodies import Body, JsonBody, body_documentation, strict_router
from portal.api.errors import answers
from portal.api.responses import json_response
from portal.clock import utc_now
from portal.errors import PortalError
from portal.gateways.native import Key, KeyHash, RequestId
from portal.rules.people.secrets import digest
from portal.rules.periods import Period
from portal.rules.spending.authorization import BudgetOwner, Reason
from portal.rules.spending.pricing import MAX_TOKENS

router = strict_router("Gateways")


class AuthorizeBody(Body):
    """A key, and an estimate of its tokens. Exactly one of `api_key` and `api_key_hash` names the key."""

    api_key: Key | None = None
    api_key_hash: KeyHash | None = Field(default=None, description="SHA-256 of the API key, in hexadecimal")
    estimated_tokens: Annotated[int, Field(ge=0, le=MAX_TOKENS)] | None = Field(
        default=None, description="Prompt and completion tokens that the request may need, before the cost factor"
    )
    request_id: RequestId | None = Field(
        default=None, description="The `id` that the usage event will have; the estimated tokens are held for it"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.api_key is None) == (self.api_key_hash is None):
            raise ValueError("Say exactly one of api_key and api_key_hash.")
        if self.request_id is not None and self.estimated_tokens is None:
            raise ValueError("estimated_tokens is missing: without them there is nothing to hold for a request_id.")
        return self

    def question(self, gateway_token: str) -> AuthorizationRequest:
        """Return the question, with a digest in place of the API key."""
        key_hash = self.api_key_hash or digest(self.api_key or "")
        return AuthorizationRequest(gateway_token, key_hash, self.estimated_tokens, self.request_id)


@dataclass(frozen=True, slots=True)
class Remaining:
    """Billable tokens that the key may still spend in each period, after the tokens reserved for other requests.

    It is the least that remains in the budgets of key, account and team. Null means no limit, or unknown. The tokens of
    this request are not subtracted.
    """

    daily: int | None
    monthly: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class AuthorizeAnswer:
    """Whether the key may spend. The fields from `budget` to `resets_at` describe a budget that refuses."""

    allowed: bool
    reason: Annotated[Reason, Field(description="A code for programs")]
    detail: Annotated[str, Field(description="The reason as a sentence for people")]
    user: Annotated[str | None, Field(description="User name of the key's account; null for an unknown key")]
    budget: Annotated[
        BudgetOwner | None,
        Field(description="The budget that refuses: of the key, of the account or of its team; null when none does"),
    ]
    period: Annotated[Period | None, Field(description="The period of the budget that refuses")]
    consumed: Annotated[int | None, Field(description="Billable tokens used of that budget")]
    limit: int | None
    resets_at: Annotated[datetime | None, Field(description="When that budget is reset; null for never")]
    remaining: Remaining
    cost_factor: Annotated[
        str | None, Field(description="In force for the account, an exact decimal string", examples=["1.5"])
    ]
    template: Annotated[str | None, Field(description="The account's active expert template")]


_JSON = TypeAdapter(AuthorizeAnswer)
_body = JsonBody(AuthorizeBody)


async def authorization_request(request: Request, token: GatewayToken) -> AuthorizationRequest:
    """Read the request of a gateway. Only gateways get an answer about an invalid body. Raises PortalError."""
    try:
        return (await _body(request)).question(token)
    except PortalError:
        await run_in_threadpool(reporting_gateway, token)
        raise


@router.post(
    "/api/v1/authorize",
    openapi_extra=body_documentation(AuthorizeBody),
    response_model=AuthorizeAnswer,
    responses=answers(401, 403, 409, 415),
)
def authorize_key(question: Annotated[AuthorizationRequest, Depends(authorization_request)]) -> Response:
    """Return whether an API key may spend: it is usable, its account and team are active, no budget is exhausted.

    The budgets are those of the key, of the account and of its team; `budget` is the owner of a budget that refuses.

    With `estimated_tokens` each budget must have room for them too, times the cost factor. With a `request_id`, they
    are also reserved for that request until its usage event arrives, or for 15 minutes, so that parallel requests do
    not exceed a budget together; another call replaces the reserved tokens. An unknown key is no error: `allowed` is
    false.
    """
    now = utc_now()
    answer = authorize(question, now)
    key_id = answer.key_to_note(now)
    return json_response(_JSON, _answer(answer), None if key_id is None else BackgroundTask(note_key_use, key_id, now))


def _answer(authorization: Authorization) -> AuthorizeAnswer:
    decision, spender = authorization.decision, authorization.spender
    return AuthorizeAnswer(
        allowed=decision.is_allowed,
        reason=decision.reason,
        detail=decision.detail,
        user=None if spender is None else spender.username,
        budget=decision.owner,
        period=decision.period,
        consumed=decision.consumed,
        limit=decision.limit,
        resets_at=decision.resets_at,
        remaining=Remaining(**{period.value: decision.remaining[period] for period in Period}),
        cost_factor=None if spender is None else f"{spender.cost_factor:f}",
        template=None if spender is None else spender.template,
    )
