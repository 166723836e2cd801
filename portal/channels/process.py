"""The process that delivers one message: reads an `Order` as JSON from stdin, writes ["sent", ""] or why not.

It ends by itself when the time is over, whatever its threads do. It has no database and no settings.
"""

import json
import os
import sys
import threading
from typing import Any

from portal.channels import chat, webhook
from portal.channels.public_only import NotPublic, refuse_private_addresses
from portal.rules.outbox import NotNow, Refused

NOT_PUBLIC = "The address leads to this machine or to a private network, which is not allowed."


def deliver(order: dict[str, Any]) -> tuple[str, str]:
    """Deliver a message and return the outcome with its reason."""
    if not order["is_private"]:
        refuse_private_addresses()
    try:
        (webhook if order["channel"] == "webhook" else chat).deliver(order)
    except NotPublic:
        return "refused", NOT_PUBLIC
    except Refused as error:
        return "refused", str(error)
    except NotNow as error:
        return "not now", str(error)
    return "sent", ""


def _answer(outcome: str, reason: str) -> None:
    sys.__stdout__.write(json.dumps([outcome, reason]))  # type: ignore[union-attr]  # this process has one
    sys.__stdout__.flush()  # type: ignore[union-attr]
    os._exit(0)  # threads of a library must not keep it alive


def main() -> None:
    """Deliver the message that stdin contains."""
    order = json.load(sys.stdin)
    late = threading.Timer(order["timeout"], _answer, ("not now", "It has not answered in time."))
    late.daemon = True
    late.start()
    outcome = deliver(order)
    _answer(*outcome)


if __name__ == "__main__":
    main()
