"""Usage from Continue, the assistant in editors: `POST /api/v1/usage/continue`."""

from typing import Annotated
from uuid import uuid4

from fastapi import Depends
from starlette.requests import Request

from portal.api.access import AnyReporter
from portal.api.bodies import JSON, strict_router
from portal.api.errors import answers
from portal.api.gateways.usage_ingest import UsageReceipt, read_entries, read_json, store
from portal.gateways.continue_dev import read_continue
from portal.rules.metering.reporters import Reporter

router = strict_router("Programs")

_SCHEMA = {
    "description": "An event that Continue sends to a `data` destination of its config.yaml",
    "type": "object",
    "additionalProperties": True,
}


async def event_body(request: Request, reporter: AnyReporter) -> tuple[Reporter, bytes]:
    """Return the sender of an event, and the bytes of its body."""
    return reporter, await read_json(request, reporter)


@router.post(
    "/api/v1/usage/continue",
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}}}},
    responses=answers(401, 403, 415),
)
def report_continue_usage(sent: Annotated[tuple[Reporter, bytes], Depends(event_body)]) -> UsageReceipt:
    """Store the usage in an event of Continue, which names no person.

    It counts for the holder of the API key, or, on a desktop, for its person. Only `tokensGenerated` has counts; all
    other events are accepted and ignored, and no prompt or answer is stored.
    """
    reporter, body = sent
    entry = read_entries(reporter, lambda: read_continue(body, f"once:{uuid4()}", reporter.mode))
    return store(reporter, [] if entry is None else [entry], ignored=int(entry is None))
