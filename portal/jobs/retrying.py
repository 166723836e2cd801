"""Running the work of a job on a thread; a failure is logged and the work is tried again."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from portal.clock import utc_now
from portal.errors import Unavailable

T = TypeVar("T")

log = logging.getLogger(__name__)


async def run_until_done(work: Callable[[datetime], T], name: str, pause: float) -> T:
    """Run `work`, again `pause` seconds after every failure, until it succeeds; return its result."""
    while True:
        try:
            return await asyncio.to_thread(work, utc_now())
        except Unavailable:
            log.warning("%s waits for the database", name)
        except Exception:
            log.exception("%s has failed", name)
        await asyncio.sleep(pause)
