"""A program that forks servers as tools/chaos/zygote.py does, each with its own clock and place to die.

Besides the PORTAL_* variables a server takes two: AT, the instant (ISO 8601) at which it starts to live, and DIES, the
moment at which it kills itself. Nothing of this is in the portal: what it calls is replaced in the fork.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Any
from unittest.mock import patch

import time_machine

from tools.chaos import zygote


class Moment(StrEnum):
    """Where a server dies between an event and the mark that its mail was sent."""

    BEFORE_COMMIT = "before the event, its crossing and its mail are committed"
    AFTER_COMMIT = "after they are"
    BEFORE_CONNECT = "before it connects to the mail server"
    AFTER_RCPT = "after the recipient was taken"
    AFTER_DATA = "after the mail server has answered 250 to the mail"
    BEFORE_MARK = "before the mark that it was sent is committed"


class Mortals(zygote.Zygote):
    """The program, as those see it who use it."""

    MODULE = "tests.jobs.mortal"


def die(*_: object) -> None:
    """End at once; nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(moment: Moment) -> None:
    """Have this process die at a moment."""
    from aiosmtplib import SMTP  # as late as the program itself, in tools/chaos/zygote.py
    from sqlalchemy import event
    from sqlalchemy.orm import Session

    from portal.db.tables import OutboxMessage

    match moment:
        case Moment.BEFORE_COMMIT | Moment.AFTER_COMMIT:
            event.listen(OutboxMessage, "after_insert", lambda *_: event.listen(Session, moment.name.lower(), die))
        case Moment.BEFORE_CONNECT:
            patch.object(SMTP, "connect", die).start()
        case Moment.AFTER_RCPT:
            patch.object(SMTP, "rcpt", dies_after(SMTP.rcpt)).start()
        case Moment.AFTER_DATA:
            patch.object(SMTP, "data", dies_after(SMTP.data)).start()
        case Moment.BEFORE_MARK:
            event.listen(Session, "before_commit", die_if_sent)


def dies_after(work: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[None]]:
    """Return what does the same and dies."""

    async def work_and_die(*args: Any, **kwargs: Any) -> None:
        await work(*args, **kwargs)
        die()

    return work_and_die


def die_if_sent(session: Any) -> None:
    """Die if a mail is marked as sent in this transaction."""
    from portal.db.tables import OutboxMessage

    if session.query(OutboxMessage).filter(OutboxMessage.state == "sent").count():
        die()


def serve(process: Any, variables: dict[str, str], log: str) -> None:
    """Be a server; never returns."""
    from portal.jobs import outbox

    outbox.EVERY = 0.05
    if "DIES" in variables:
        arm(Moment(variables.pop("DIES")))
    with time_machine.travel(variables.pop("AT")):
        zygote_serve(process, variables, log)


zygote_serve = zygote.serve

if __name__ == "__main__":
    zygote.serve = serve
    zygote.main()
