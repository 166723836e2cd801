"""What the routes of OTLP have in common: callers, bodies and answers.

Source: OTLP/HTTP in the OpenTelemetry protocol 1.10 (opentelemetry.io/docs/specs/otlp). The only difference:
errors have the form of this API, `{"error", "detail"}`, not google.rpc.Status. Exporters only use the HTTP status, and
some log the body.
"""

from typing import Annotated, Any

from fastapi import Depends
from google.protobuf.json_format import MessageToJson
from google.protobuf.message import Message
from starlette.requests import Request
from starlette.responses import Response

from portal.actions.usage import Result
from portal.api.access import AnyReporter
from portal.api.bodies import JSON, media_type, read_body
from portal.api.errors import answers
from portal.api.gateways.usage_ingest import UsageReceipt, note_refusal
from portal.rules.reporters import Reporter
from portal.web.bodies import LARGEST_JSON_EXPORT

PROTOBUF = "application/x-protobuf"


def route_documentation(request: str, resources: str, response: str, rejected: str, items: str) -> dict[str, Any]:
    """Return the documentation of a route for `router.post`: its body and its answers.

    The names are names of messages and their members; `items` is a plural noun for the items in them.
    """
    in_json = {
        "description": f"An {request} as OTLP writes it in JSON",
        "type": "object",
        "properties": {resources: {"type": "array", "items": {"type": "object"}}},
        "additionalProperties": True,
    }
    partial = {
        "description": f"Present if {items} were rejected or are held",
        "type": "object",
        "properties": {
            rejected: {"type": "string", "description": "How many were rejected; absent: none"},
            "errorMessage": {"type": "string", "description": "How many were not counted, and why not"},
        },
    }
    answer = {
        "description": f"An {response}, in JSON if the request was",
        "type": "object",
        "properties": {"partialSuccess": partial},
    }
    content = {PROTOBUF: {"schema": _binary(request)}, JSON: {"schema": in_json}}
    answered = {PROTOBUF: {"schema": _binary(response)}, JSON: {"schema": answer}}
    return {
        "openapi_extra": {"requestBody": {"required": True, "content": content}},
        "response_class": Response,
        "responses": {
            200: {"description": "What can be counted is stored", "content": answered},
            **answers(401, 403, 415),
        },
    }


def _binary(message: str) -> dict[str, str]:
    return {"description": f"An {message}", "type": "string", "format": "binary"}


async def otlp_body(request: Request, reporter: AnyReporter) -> tuple[Reporter, bytes, bool]:
    """Return the reporter of a request, the bytes of its body, and whether they are JSON."""
    async with note_refusal(reporter):
        kind = media_type(request, PROTOBUF, JSON)
        is_json = kind == JSON
        return reporter, await read_body(request, LARGEST_JSON_EXPORT if is_json else None, compressed=True), is_json


OtlpBody = Annotated[tuple[Reporter, bytes, bool], Depends(otlp_body)]


def otlp_response(message: Message, *, is_json: bool) -> Response:
    """Return a message as the answer, in JSON or binary as the request was."""
    content = MessageToJson(message, indent=None) if is_json else message.SerializeToString()
    return Response(content, media_type=JSON if is_json else PROTOBUF)


def warning_of(receipt: UsageReceipt) -> str:
    """Return a warning about items that are not counted; "" if all are.

    Items that are held for the administrator are not rejected, so they are in the warning only, as OTLP allows.
    """
    sentences = []
    for result in (Result.REJECTED, Result.UNATTRIBUTED, Result.CONFLICT):
        errors = [each.error for each in receipt.results if each.result is result]
        if errors:
            sentences.append(f"{len(errors)} of {len(receipt.results)} {result.value}: {errors[0]}")
    return " ".join(sentences)
