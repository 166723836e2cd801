"""Posts the body of a webhook.

Decision: redirects are not followed, and every answer but 2xx is a failure that is tried again like a mail, since an
administrator can correct it. Only 410 is final: with it a receiver asks to get nothing any more.
"""

import http.client
import os
import ssl
from typing import Any
from urllib.parse import urlsplit

from portal.channels.public_only import NotPublic
from portal.rules.outbox import NotNow, Refused

GONE = 410


def deliver(order: dict[str, Any]) -> None:
    """Post the text of an order with its headers. Raises NotPublic, Refused and NotNow."""
    try:
        status = _post(order)
    except NotPublic:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NotNow(_trouble(error)) from error
    if status == GONE:
        raise Refused(f"The webhook answers {status}.")
    if not 200 <= status < 300:
        raise NotNow(f"The webhook answers {status}.")


def _post(order: dict[str, Any]) -> int:
    parts = urlsplit(order["url"])
    if parts.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=order["timeout"], context=ssl.create_default_context()
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=order["timeout"])
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request("POST", target, order["text"].encode(), order["headers"])
    return connection.getresponse().status


def _trouble(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"The webhook’s certificate is not valid: {error.verify_message}."
        case TimeoutError():
            return "It has not answered in time."
        case http.client.HTTPException() | ValueError():
            return "The webhook answers something else than HTTP."
        case OSError() if error.errno is not None and error.errno > 0:
            return f"The webhook cannot be reached: {os.strerror(error.errno)}."
        case OSError() if error.strerror:
            return f"The webhook cannot be reached: {error.strerror}."
    return "The webhook cannot be reached."
