"""
title: MoE Portal usage
description: Reports the token counts of each answer to MoE Portal. Prompts and answers stay in Open WebUI.
version: 1.0
"""

# In Open WebUI: Admin Panel, Functions, New Function; paste this, save it, switch it on and make it global. Ollama
# always counts tokens; for other servers choose the capability "Usage" of the model.

import asyncio
import json
import logging
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from pydantic import BaseModel

log = logging.getLogger(__name__)
PAUSES = (1, 4, 15)
MAY_PASS = {429, 502, 503, 504}


class Filter:
    """What Open WebUI calls after each answer."""

    class Valves(BaseModel):
        """The portal's address and the token from its page Connect."""

        portal_url: str = "http://127.0.0.1:8080"
        token: str = "moe-gw-"

    def __init__(self) -> None:
        self.valves = self.Valves()
        self._tasks = set()

    async def outlet(self, body: dict) -> dict:
        """Report the newest answer of a chat; the chat does not wait for it."""
        if event := usage_event(body):
            task = asyncio.create_task(asyncio.to_thread(self.send, event))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return body

    def send(self, event: dict) -> None:
        """Send an event, several times while the portal is busy; it counts once."""
        url = self.valves.portal_url.rstrip("/") + "/api/v1/usage"
        headers = {"Authorization": f"Bearer {self.valves.token}", "Content-Type": "application/json"}
        request = Request(url, json.dumps(event).encode(), headers)
        for pause in (*PAUSES, None):
            try:
                with urlopen(request, timeout=10) as answer:
                    for result in json.load(answer)["results"]:
                        if result.get("error"):
                            log.warning("MoE Portal did not count an answer: %s", result["error"])
                return
            except (OSError, ValueError) as error:
                may_pass = error.code in MAY_PASS if isinstance(error, HTTPError) else isinstance(error, OSError)
                if pause is None or not may_pass:
                    log.warning("The usage of an answer is not reported to MoE Portal: %s", error)
                    return
                time.sleep(pause)


def usage_event(body: dict) -> dict | None:
    """Return the usage of the last message; its counts are None if the model server has not sent any."""
    message = (body.get("messages") or [{}])[-1]
    if message.get("role") != "assistant":
        return None
    usage = message.get("usage") or {}
    prompt = first(usage, "input_tokens", "prompt_tokens", "prompt_eval_count")
    completion = first(usage, "output_tokens", "completion_tokens", "eval_count")
    is_known = prompt is not None and completion is not None
    return {
        "id": f"{body.get('chat_id') or 'chat'}/{message.get('id') or body.get('id')}/{completion}",
        "model": body.get("model") or "unknown-model",
        "mode": "open-webui",
        "prompt_tokens": prompt if is_known else None,
        "completion_tokens": completion if is_known else None,
        "session_id": body.get("chat_id") or None,
    }


def first(usage: dict, *names: str) -> int | None:
    """Return the first whole number with one of these names."""
    return next((usage[name] for name in names if isinstance(usage.get(name), int)), None)
