"""Usage from LiteLLM's `generic_api` callback: `POST /api/v1/usage/litellm`."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from portal.api.access import ReportingGateway
from portal.api.bodies import JSON, media_type, read_body, strict_router
from portal.api.errors import answers
from portal.api.gateways.usage_ingest import LINES, UsageReceipt, note_refusal, read_entries, store
from portal.gateways.litellm import read_litellm
from portal.rules.reporters import Reporter

router = strict_router("Gateways")

_SCHEMA = {
    "description": "LiteLLM's StandardLoggingPayload: an array of them, one per line, or a single one",
    "type": "object",
    "additionalProperties": True,
}


async def litellm_body(request: Request, gateway: ReportingGateway) -> tuple[Reporter, bytes]:
    """Return the gateway of a batch, and the bytes of its body."""
    async with note_refusal(gateway):
        media_type(request, JSON, *LINES)
        return gateway, await read_body(request, compressed=True)


@router.post(
    "/api/v1/usage/litellm",
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}}}},
    responses=answers(401, 403, 415),
)
def report_litellm_usage(batch: Annotated[tuple[Reporter, bytes], Depends(litellm_body)]) -> UsageReceipt:
    """Store what LiteLLM's `generic_api` callback sends, each request once.

    Prompts and answers are not stored. An event that cannot be read is rejected; the others of its batch are
    stored. A hit of LiteLLM's cache is stored with a cost factor of 0, a failure with the code of its error.
    """
    gateway, body = batch
    return store(gateway, read_entries(gateway, lambda: read_litellm(body, gateway.mode)))
