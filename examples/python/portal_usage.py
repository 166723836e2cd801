"""Report to MoE Portal what a script used: `report(response)` after each call of a model.

Put this file beside the script, and set PORTAL_URL and PORTAL_API_KEY, your own key from the portal's page API Keys.
It takes what OpenAI's, Anthropic's, Gemini's, Bedrock's and Ollama's libraries return, and plain dicts. Prompts and
answers stay here: only the counts, the model, the id and the time are sent. What could not be sent is tried again for
half a minute, and counted once however often it was. Then it warns and the script goes on; a key that is refused, or
an answer without usage, raises urllib's HTTPError.
"""

import json
import os
import time
import uuid
import warnings
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SENT = (
    *("id", "model", "created", "created_at", "status", "usage", "object"),
    *("done", "prompt_eval_count", "eval_count", "prompt_eval_cached_count"),  # Ollama
    *("responseId", "modelVersion", "createTime", "usageMetadata"),  # Gemini
    *("response_id", "model_version", "create_time", "usage_metadata"),  # Gemini, from its Python library
    "metrics",  # Bedrock, which does not name its model: report(response | {"model": "..."})
)
PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries; the portal says when it is busy for a moment."""


def report(response: Any) -> dict[str, Any]:
    """Report one response, and return what became of it: `{"result": "accepted", …}`; nothing without a portal."""
    said = response if isinstance(response, dict) else response.model_dump(mode="json")
    request = Request(
        os.environ["PORTAL_URL"].rstrip("/") + "/api/v1/usage/openai",
        json.dumps({name: said[name] for name in (*SENT, "total_duration") if said.get(name) is not None}).encode(),
        {
            "Authorization": f"Bearer {os.environ['PORTAL_API_KEY']}",
            "Content-Type": "application/json",
            "Idempotency-Key": str(uuid.uuid4()),
        },
    )
    for pause in (*PAUSES, None):
        try:
            with urlopen(request, timeout=10) as answer:
                return dict(json.load(answer))
        except (URLError, TimeoutError) as error:
            may_pass = not isinstance(error, HTTPError) or error.code in {429, 502, 503, 504}
            if not may_pass:
                raise
            if pause is None:
                warnings.warn(f"What {said.get('model')} used is not reported: {error}", stacklevel=2)
                break
            time.sleep(pause)
    return {}
