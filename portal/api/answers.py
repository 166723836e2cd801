"""Answers that are written at once, for what programs ask again and again."""

from typing import TypeVar

from pydantic import TypeAdapter
from starlette.background import BackgroundTask
from starlette.responses import Response

Answer = TypeVar("Answer")


def written(kind: TypeAdapter[Answer], answer: Answer, after: BackgroundTask | None = None) -> Response:
    """Return what a route answers, without having it checked and copied once more; `after` is done when it was sent.

    The route names the same class for the OpenAPI document (`response_model`), which a test compares.
    """
    return Response(kind.dump_json(answer), media_type="application/json", background=after)
