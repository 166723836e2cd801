"""Reports a script's usage to MoE Portal: call `report(response)` after each call of a model.

Put this file beside the script, and set PORTAL_URL and PORTAL_API_KEY, your own key from the portal's page API Keys;
for the desktop program set PORTAL_URL and PORTAL_GATEWAY_TOKEN, which its page Connect shows.
`report` accepts the responses of OpenAI's, Anthropic's, Gemini's, Bedrock's and Ollama's libraries, and dicts. Prompts
and answers stay here: only the counts, the model, the id and the time are sent. If the portal is busy or cannot be
reached, `report` tries again for half a minute; the portal counts a response once, even if it arrives several times.
If a response cannot be reported, a warning explains why and what to do; the script continues.
"""

import json
import os
import uuid
import warnings
from http.client import HTTPException
from time import sleep
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SENT = (
    *("id", "model", "created", "created_at", "status", "usage", "object"),
    *("done", "prompt_eval_count", "eval_count", "prompt_eval_cached_count"),  # Ollama
    *("responseId", "modelVersion", "createTime", "usageMetadata"),  # Gemini
    *("response_id", "model_version", "create_time", "usage_metadata"),  # Gemini, from its Python library
    *("metrics", "prompt_token_count", "generation_token_count"),  # Bedrock
    "meta",  # Cohere, which like Bedrock does not name its model: report(response | {"model": "..."})
)
PAUSES = (1, 2, 4, 8, 15)
"""Seconds between tries; a busy portal sets another pause with Retry-After."""
LONGEST_PAUSE = 15
MAY_PASS = {429, 502, 503, 504}


class NotReportedError(Exception):
    """A response was not reported; the message is a sentence with the reason and what to do."""


def report(response: Any) -> dict[str, Any]:
    """Report one response, and return the portal's answer: `{"result": "accepted", …}`, or `{}` after a warning."""
    values = response if isinstance(response, dict) else response.model_dump(mode="json")
    counts = {name: values[name] for name in (*SENT, "total_duration") if values.get(name) is not None}
    try:
        return _send(json.dumps(counts).encode())
    except NotReportedError as error:
        warnings.warn(f"The usage of {values.get('model') or 'the model'} is not reported. {error}", stacklevel=2)
        return {}


def _send(body: bytes) -> dict[str, Any]:
    portal = _setting("PORTAL_URL", "http").rstrip("/")
    is_program = "PORTAL_GATEWAY_TOKEN" in os.environ
    key = _setting("PORTAL_GATEWAY_TOKEN", "moe-gw-") if is_program else _setting("PORTAL_API_KEY", "moe-sk-")
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(uuid.uuid4()),
    }
    request = Request(f"{portal}/api/v1/usage/openai", body, headers)
    for pause in (*PAUSES, None):
        try:
            with urlopen(request, timeout=10) as answer:
                return dict(json.load(answer))
        except (ValueError, TypeError):
            raise NotReportedError(f"{portal} does not answer as MoE Portal does: check PORTAL_URL.") from None
        except HTTPError as error:
            if pause is None or error.code not in MAY_PASS:
                raise NotReportedError(_refusal(error, portal, key)) from None
            sleep(_pause(error, pause))
        except (OSError, HTTPException) as error:
            if pause is None:
                why = getattr(error, "reason", error)
                raise NotReportedError(f"MoE Portal cannot be reached at {portal}: {why}.") from None
            sleep(pause)
    raise AssertionError("the last try has returned or raised")


def _setting(name: str, begins: str) -> str:
    value = os.environ.get(name, "").strip()
    if not value.startswith(begins) or not value.isascii():
        page = "Connect" if "PORTAL_GATEWAY_TOKEN" in os.environ else "API Keys"
        raise NotReportedError(f"Set {name}: it begins with {begins}, and the portal's page {page} shows it.")
    return value


def _pause(error: HTTPError, pause: int) -> int:
    """Return the seconds in Retry-After, at most `LONGEST_PAUSE`; without it `pause`."""
    asked = error.headers.get("Retry-After", "")
    return min(int(asked), LONGEST_PAUSE) if asked.isdigit() else pause


def _refusal(error: HTTPError, portal: str, key: str) -> str:
    if error.code == 401 and key.startswith("moe-gw-"):
        return (
            f"MoE Portal does not know the token {key[:16]}… in PORTAL_GATEWAY_TOKEN. Its page Connect has a new one."
        )
    if error.code == 401:
        return (
            f"MoE Portal does not know the key {key[:16]}… in PORTAL_API_KEY, or it has expired or was revoked. "
            f"Create another at {portal}/user/keys."
        )
    try:
        detail = json.load(error)["detail"]
    except (OSError, HTTPException, ValueError, LookupError, TypeError):
        detail = f"The reason is unknown: check PORTAL_URL, {portal}."
    return f"MoE Portal answered {error.code}: {detail}"
