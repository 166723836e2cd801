"""Usage that people's own scripts report: `POST /api/v1/usage/openai`."""

from typing import Annotated
from uuid import uuid4

from fastapi import Depends, Header
from pydantic import BaseModel, Field
from starlette.requests import Request

from portal.actions.metering.usage import Result
from portal.api.access import ReporterOfOnePerson
from portal.api.bodies import JSON, strict_router
from portal.api.errors import answers
from portal.api.gateways.usage_ingest import read_entries, read_json, store
from portal.errors import InvalidInput
from portal.gateways.openai import read_response
from portal.rules.metering.reporters import Reporter
from portal.rules.text import InvalidText, clean_line

router = strict_router("Programs")

_SCHEMA = {
    "description": "An answer of OpenAI, Anthropic, Gemini, Bedrock's Converse, Ollama, or a compatible server",
    "type": "object",
    "additionalProperties": True,
}


class OwnReceipt(BaseModel):
    """The result of a reported answer; a `conflict` has the id, but not the figures, of an earlier one."""

    id: str
    result: Result
    model: str
    prompt_tokens: int | None = Field(description="null if the answer has no token counts")
    completion_tokens: int | None = Field(description="null if the answer has no token counts")
    error: str | None = Field(default=None, exclude_if=lambda error: error is None, description="Why not `accepted`")


async def response_body(request: Request, reporter: ReporterOfOnePerson) -> tuple[Reporter, bytes]:
    """Return the sender of an answer, and the bytes of its body."""
    return reporter, await read_json(request, reporter)


@router.post(
    "/api/v1/usage/openai",
    openapi_extra={"requestBody": {"required": True, "content": {JSON: {"schema": _SCHEMA}}}},
    responses=answers(401, 403, 415),
)
def report_own_usage(
    batch: Annotated[tuple[Reporter, bytes], Depends(response_body)],
    idempotency_key: Annotated[
        str | None, Header(description="Identifies an answer without an id, so that it may be sent again")
    ] = None,
) -> OwnReceipt:
    """Count an answer that the holder of the API key, or the person of the desktop program, got from a model server.

    Send the whole answer, or only its `id`, `model`, `created` and `usage` (for Gemini `responseId`, `modelVersion`,
    `createTime` and `usageMetadata`); nothing else is stored. Add `model` if the server does not name it, as Bedrock.
    A `usage` without tokens, such as seconds of speech or an empty one, is stored as a call without counts. An answer
    with an id, as most have, or from Ollama may be sent again; for other answers, send the same `Idempotency-Key`.
    """
    reporter, body = batch
    report = read_entries(reporter, lambda: read_response(body, _fallback_id(idempotency_key), reporter.mode))
    result = store(reporter, [report]).results[0]
    if result.result is Result.REJECTED:
        raise InvalidInput(result.error or "")
    return OwnReceipt(
        id=report.id,
        result=result.result,
        model=report.model,
        prompt_tokens=None if report.without_counts else report.prompt_tokens,
        completion_tokens=None if report.without_counts else report.completion_tokens,
        error=result.error,
    )


def _fallback_id(idempotency_key: str | None) -> str:
    if idempotency_key is None:
        return f"once:{uuid4()}"
    try:
        return f"key:{clean_line(idempotency_key, 'The Idempotency-Key', 200)}"
    except InvalidText as error:
        raise InvalidInput(str(error)) from None
