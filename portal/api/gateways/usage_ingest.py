"""Usage events of gateways, `POST /api/v1/usage`, and those of LiteLLM's callback, `POST /api/v1/usage/litellm`."""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Annotated, TypeVar

from fastapi import Depends
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from portal.actions.metering.reports import note_refused_batch, store_reports
from portal.actions.metering.usage import Outcome, Result
from portal.api.access import ReportingGateway
from portal.api.bodies import JSON, body_documentation, media_type, read_body, strict_router
from portal.api.errors import answers
from portal.clock import utc_now
from portal.db.sql.session import run_in_transaction
from portal.errors import PortalError, Unavailable
from portal.gateways.litellm import read_litellm
from portal.gateways.native import MOST_EVENTS, Event, read_events
from portal.rules.metering.reporters import Reporter
from portal.rules.metering.usage import Entry
from portal.settings import settings

router = strict_router("Gateways")
log = logging.getLogger(__name__)

LINES = ("application/x-ndjson", "application/jsonl")

Entries = TypeVar("Entries")

_EVENT = Event.model_json_schema()
_EVENTS = {"type": "array", "items": _EVENT, "minItems": 1, "maxItems": MOST_EVENTS}
_LITELLM = {
    "description": "LiteLLM's StandardLoggingPayload: an array of them, one per line, or a single one",
    "type": "object",
    "additionalProperties": True,
}


class EventResult(BaseModel):
    """The result of one event."""

    index: int = Field(description="Which event of the batch, from 0; blank lines of NDJSON are not counted")
    id: str | None = Field(description="Its id; null if the event has no readable id")
    result: Result
    error: str | None = Field(default=None, exclude_if=lambda error: error is None, description="Why not `accepted`")


class UsageReceipt(BaseModel):
    """The results of a batch. `conflict` and `unattributed` events are in none of the four counts, only in results."""

    accepted: int
    duplicates: int
    rejected: int
    replays: int = Field(
        default=0,
        exclude_if=lambda count: not count,
        description="How many repeat the usage of an earlier call and are not counted, if any",
    )
    results: list[EventResult] = Field(description="One for each event, in their order")


async def usage_body(request: Request, gateway: ReportingGateway) -> tuple[Reporter, bytes, bool]:
    """Return the gateway of a batch, the bytes of its body, and whether they are NDJSON."""
    async with note_refusal(gateway):
        kind = media_type(request, JSON, *LINES)
        return gateway, await read_body(request, compressed=True), kind in LINES


UsageBody = Annotated[tuple[Reporter, bytes, bool], Depends(usage_body)]


@router.post(
    "/api/v1/usage",
    openapi_extra=body_documentation(Event, {JSON: {"anyOf": [_EVENT, _EVENTS]}} | dict.fromkeys(LINES, _EVENT)),
    responses=answers(401, 403, 415),
)
def report_usage(batch: UsageBody) -> UsageReceipt:
    """Store usage events, each once.

    The body is one event, a JSON array of up to 1,000 events, or NDJSON of up to 10,000, one event a line. An invalid
    event does not affect the others. A batch may be sent again: an event that is stored already is a `duplicate`, with
    other content a `conflict`. Events of unknown keys and persons are `unattributed`; these and conflicts are held for
    the administrator, and counted neither as accepted nor as rejected. The answer is sent after the data are stored.
    """
    gateway, body, is_lines = batch
    return store(gateway, read_entries(gateway, lambda: read_events(body, lines=is_lines)))


@router.post(
    "/api/v1/usage/litellm",
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": _LITELLM}}}},
    responses=answers(401, 403, 415),
)
def report_litellm_usage(batch: UsageBody) -> UsageReceipt:
    """Store what LiteLLM's `generic_api` callback sends, each request once.

    Prompts and answers are not stored. An event that cannot be read is rejected; the others of its batch are
    stored. A hit of LiteLLM's cache is stored with a cost factor of 0, a failure with the code of its error.
    """
    gateway, body, _is_lines = batch
    return store(gateway, read_entries(gateway, lambda: read_litellm(body, gateway.mode)))


def store(reporter: Reporter, entries: Sequence[Entry], *, ignored: int = 0) -> UsageReceipt:
    """Store the entries of a batch, and return the result of each event.

    `ignored` is the number of other items in the batch.
    """
    now, budget_tz = utc_now(), settings().budget_zone
    outcomes = run_in_transaction(store_reports, reporter, entries, budget_tz, now, ignored=ignored)
    answer = receipt(entries, outcomes)
    if answer.rejected:  # some gateways do not read the answer
        first = next(result for result in answer.results if result.result is Result.REJECTED)
        log.warning("%s: %s of %s events rejected: %s", _name(reporter), answer.rejected, len(entries), first.error)
    return answer


@asynccontextmanager
async def note_refusal(reporter: Reporter) -> AsyncIterator[None]:
    """Store for the gateway's page why a body is refused, since some gateways do not read the answer."""
    try:
        yield
    except PortalError as refusal:
        await run_in_threadpool(_note, reporter, refusal)
        raise


async def read_json(request: Request, reporter: Reporter) -> bytes:
    """Return the body of a request with JSON; store a refusal for the gateway's page. Raises PortalError."""
    async with note_refusal(reporter):
        media_type(request, JSON)
        return await read_body(request, compressed=True)


def read_entries(reporter: Reporter, read: Callable[[], Entries]) -> Entries:
    """Return the entries of a body; store a refusal for the gateway's page. Raises PortalError."""
    try:
        return read()
    except PortalError as refusal:
        _note(reporter, refusal)
        raise


def _note(reporter: Reporter, refusal: PortalError) -> None:
    with suppress(Unavailable):  # the gateway still gets its answer
        run_in_transaction(note_refused_batch, reporter, refusal.detail, utc_now())


def receipt(entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> UsageReceipt:
    """Return the result of each event of a batch."""
    counted = [outcome.result for outcome in outcomes]
    return UsageReceipt(
        accepted=counted.count(Result.ACCEPTED),
        duplicates=counted.count(Result.DUPLICATE),
        rejected=counted.count(Result.REJECTED),
        replays=counted.count(Result.REPLAY),
        results=[
            EventResult(index=index, id=entry.id, result=outcome.result, error=outcome.error)
            for index, (entry, outcome) in enumerate(zip(entries, outcomes, strict=True))
        ],
    )


def _name(reporter: Reporter) -> str:
    return f"account {reporter.person.account_id}" if reporter.person else f"gateway {reporter.gateway_id}"
