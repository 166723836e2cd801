"""What gateways report: `POST /api/v1/usage`."""

import logging
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.requests import Request

from portal.actions.usage import Outcome, Result, record_usage
from portal.api.access import ReportingGateway
from portal.api.errors import answers
from portal.api.strict import JSON, media_type, read_body, strict_router, takes
from portal.clock import utc_now
from portal.db.session import run_in_transaction
from portal.gateways.native import MOST_EVENTS, Event, read_usage
from portal.rules.usage import Rejected, UsageReport
from portal.settings import settings

router = strict_router("Gateways")
log = logging.getLogger(__name__)

MOST_BYTES = 10_000_000
"""Bytes of a batch."""
LINES = ("application/x-ndjson", "application/jsonl")

_EVENT = Event.model_json_schema()
_EVENTS = {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MOST_EVENTS}


class EventResult(BaseModel):
    """What became of one event."""

    index: int = Field(description="Which event of the batch, from 0; blank lines of NDJSON are not counted")
    id: str | None = Field(description="Its id; null where it has none that can be read")
    result: Result
    error: str | None = Field(default=None, exclude_if=lambda error: error is None, description="Why not `accepted`")


class UsageReceipt(BaseModel):
    """What became of a batch. `conflict` and `unattributed` events are in none of the three counts, only in results."""

    accepted: int
    duplicates: int
    rejected: int
    results: list[EventResult] = Field(description="One for each event, in their order")


async def usage_body(request: Request, gateway_id: ReportingGateway) -> tuple[int, bytes, bool]:
    """Read a batch, for a gateway that may send one: its id, the bytes, and whether they are said to be NDJSON."""
    kind = media_type(request, JSON, *LINES)
    return gateway_id, await read_body(request, MOST_BYTES, packed=True), kind in LINES


@router.post(
    "/api/v1/usage",
    openapi_extra=takes(Event, {JSON: {"anyOf": [_EVENT, _EVENTS]}} | dict.fromkeys(LINES, _EVENT)),
    responses=answers(401, 403, 415),
)
def report_usage(batch: Annotated[tuple[int, bytes, bool], Depends(usage_body)]) -> UsageReceipt:
    """Store usage events, each once.

    The body is one event, a JSON array of up to 1,000 events, or NDJSON of up to 10,000, one event a line. One bad
    event never stops the others. Sending a batch again is always safe: what is stored already is a `duplicate`, with
    other content a `conflict`. Events of unknown keys and persons are `unattributed`; these and conflicts are kept for
    the administrator, and counted neither as accepted nor as rejected. The answer comes when all is stored for good.
    """
    gateway_id, body, is_lines = batch
    return store(gateway_id, read_usage(body, lines=is_lines))


def store(gateway_id: int, events: Sequence[UsageReport | Rejected]) -> UsageReceipt:
    """Store what an adapter made of a batch, and return what became of each event."""
    reports = [event for event in events if isinstance(event, UsageReport)]
    now, budget_tz = utc_now(), settings().budget_zone
    outcomes = run_in_transaction(record_usage, gateway_id, reports, budget_tz, now) if reports else []
    said = receipt(events, outcomes)
    if said.rejected:  # some gateways never read what they are told
        first = next(result for result in said.results if result.result is Result.REJECTED)
        log.warning("gateway %s: %s of %s events rejected: %s", gateway_id, said.rejected, len(events), first.error)
    return said


def receipt(events: Sequence[UsageReport | Rejected], outcomes: Sequence[Outcome]) -> UsageReceipt:
    """Return what became of each event; `outcomes` are those of the reports among them, in order."""
    next_outcome = iter(outcomes)
    results = []
    for index, event in enumerate(events):
        outcome = Outcome(Result.REJECTED, event.reason) if isinstance(event, Rejected) else next(next_outcome)
        results.append(EventResult(index=index, id=event.id, result=outcome.result, error=outcome.error))
    counted = [result.result for result in results]
    return UsageReceipt(
        accepted=counted.count(Result.ACCEPTED),
        duplicates=counted.count(Result.DUPLICATE),
        rejected=counted.count(Result.REJECTED),
        results=results,
    )
