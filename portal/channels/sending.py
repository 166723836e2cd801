"""Starts the process that delivers a message, and waits for its result."""

import asyncio
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

from portal.errors import MissingExtra
from portal.rules.outbox import NotNow, Refused

_COMMAND = (sys.executable, "-P", "-m", "portal.channels.process")
_KEPT = {"PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "LANG", "LC_ALL", "SYSTEMROOT", "TZ"}
"""Variables that the process gets: no secrets of the portal, and no proxies, which would hide private addresses."""
_STARTING = 20.0
"""Seconds for starting the process on a busy machine, in addition to the time for the message."""
_LATE = "It has not answered in time."


@dataclass(frozen=True, slots=True)
class Order:
    """A delivery: for a webhook the signed body, for chat the title and the text.

    `is_private` allows addresses that are not public. Without a `title` a chat service is only checked.
    """

    channel: str
    url: str = field(repr=False)
    timeout: float
    is_private: bool
    title: str = field(default="", repr=False)
    text: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    services: tuple[str, ...] = ()


def check_chat_is_installed() -> None:
    """Raise MissingExtra if there is no library for chat services."""
    if find_spec("apprise") is None:
        raise MissingExtra("chat", "Chat services need the package apprise")


async def send_order(order: Order) -> None:
    """Deliver a message. Raises Refused if it will never be accepted, and NotNow if a later try may succeed."""
    process = await asyncio.create_subprocess_exec(
        *_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment()
    )
    try:
        async with asyncio.timeout(order.timeout + _STARTING):
            answer, _ = await process.communicate(json.dumps(asdict(order)).encode())
    except TimeoutError:
        raise NotNow(_LATE) from None
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    _judge(answer)


def check_order(order: Order) -> None:
    """Check the address of a chat service. Raises Refused with the reason, NotNow, and MissingExtra."""
    check_chat_is_installed()
    try:
        done = subprocess.run(  # noqa: S603  # this Python, with a module of our own
            _COMMAND,
            input=json.dumps(asdict(order)).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
            timeout=order.timeout + _STARTING,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise NotNow(_LATE) from None
    _judge(done.stdout)


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.upper() in _KEPT}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONIOENCODING": "utf-8"}


def _judge(answer: bytes) -> None:
    """Raise what the process has answered, unless it has delivered the message."""
    try:
        outcome, reason = json.loads(answer)
    except ValueError:
        raise NotNow("The process that sends messages has failed.") from None
    if outcome == "refused":
        raise Refused(reason)
    if outcome != "sent":
        raise NotNow(reason)
