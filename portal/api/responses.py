"""JSON responses of routes that programs call often."""

from typing import TypeVar

from pydantic import TypeAdapter
from starlette.background import BackgroundTask
from starlette.responses import Response

Answer = TypeVar("Answer")


def json_response(adapter: TypeAdapter[Answer], answer: Answer, after: BackgroundTask | None = None) -> Response:
    """Return an answer as JSON without FastAPI's validation; `after` runs when the response was sent.

    The route names the same class for the OpenAPI document (`response_model`). A test compares the two.
    """
    return Response(adapter.dump_json(answer), media_type="application/json", background=after)
