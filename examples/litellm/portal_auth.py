"""LiteLLM asks MoE Portal before each request whether its key may spend.

Put this file beside config.yaml, name it there (`custom_auth: portal_auth.user_api_key_auth`), and set PORTAL_URL and
PORTAL_GATEWAY_TOKEN. An unknown, revoked or expired key, and a suspended account or team, get 401. A used-up budget of
the key, its account or its team gets 429 with Retry-After, which OpenAI's and Anthropic's libraries raise as their
RateLimitError. An answer is used for five seconds. While the portal cannot be reached, every request gets 503; with
PORTAL_UNREACHABLE=allow every request is let through, even with an unknown key.
"""

import hashlib
import logging
import os
import time
from datetime import UTC, datetime

import httpx
from fastapi import Request
from litellm.proxy._types import ProxyException, UserAPIKeyAuth

ASK = os.environ["PORTAL_URL"].rstrip("/") + "/api/v1/authorize"
HEADERS = {"Authorization": f"Bearer {os.environ['PORTAL_GATEWAY_TOKEN']}"}
FAILS_OPEN = os.environ.get("PORTAL_UNREACHABLE", "refuse") == "allow"
TIMEOUT, VALID, MOST_KEYS = 2.0, 5.0, 10_000
BUDGETS = {"budget_exhausted", "estimate_too_large"}

log = logging.getLogger("portal_auth")
_client = httpx.AsyncClient(headers=HEADERS, timeout=TIMEOUT)
_answers: dict[str, tuple[float, dict]] = {}  # by digest: the end of validity, and the answer


async def user_api_key_auth(request: Request, api_key: str) -> UserAPIKeyAuth:  # noqa: ARG001  # LiteLLM passes both
    """Let a request through, or raise the error that its sender gets."""
    key_hash = hashlib.sha256(api_key.removeprefix("Bearer ").encode()).hexdigest()
    try:
        answer = await _ask(key_hash)
    except (httpx.HTTPError, ValueError) as error:
        sentence = _trouble(error)
        log.warning("%s", sentence)
        if FAILS_OPEN:
            return UserAPIKeyAuth(api_key=key_hash)
        raise _refusal(sentence, 503, 10) from None
    if answer["allowed"]:
        return UserAPIKeyAuth(api_key=key_hash, user_id=answer["user"])
    if answer["reason"] in BUDGETS:
        raise _refusal(answer["detail"], 429, _seconds_until(answer["resets_at"]))
    raise _refusal(answer["detail"], 401)


async def _ask(key_hash: str) -> dict:
    until, answer = _answers.get(key_hash, (0.0, {}))
    if time.monotonic() < until:
        return answer
    response = await _client.post(ASK, json={"api_key_hash": key_hash})
    response.raise_for_status()
    answer = response.json()
    if len(_answers) >= MOST_KEYS:
        _answers.clear()
    _answers[key_hash] = time.monotonic() + VALID, answer
    return answer


def _trouble(error: Exception) -> str:
    """Return the sentence that explains why the portal gave no answer."""
    if isinstance(error, httpx.HTTPStatusError) and error.response.status_code == 401:
        return (
            "MoE Portal does not take the token in this gateway's PORTAL_GATEWAY_TOKEN: it is unknown or revoked. "
            "An administrator creates another on the gateway's page in the portal."
        )
    return "MoE Portal cannot be reached, so nobody's budget is known."


def _seconds_until(resets_at: str | None) -> int:
    """Return the seconds until a budget resets; one hour if it never resets."""
    if resets_at is None:
        return 3600
    left = datetime.fromisoformat(resets_at) - datetime.now(UTC)
    return max(1, int(left.total_seconds()))


def _refusal(sentence: str, status: int, retry_after: int | None = None) -> ProxyException:
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return ProxyException(sentence, type="auth_error", param=None, code=status, headers=headers)
