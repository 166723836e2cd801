"""Answers that are written at once, for what programs ask again and again."""

from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.responses import Response


def written(answer: BaseModel, after: BackgroundTask | None = None) -> Response:
    """Return what a route answers, without having it checked and copied once more; `after` is done when it was sent.

    The route names the model for the OpenAPI document (`response_model`), which a test compares.
    """
    return Response(answer.model_dump_json(), media_type="application/json", background=after)
