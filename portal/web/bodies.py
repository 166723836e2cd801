"""How many bytes of a body each route takes: the one table, for the guard that counts and for compressed bodies."""

from portal.errors import TooLarge
from portal.rules.messages import message

SMALL_BODY = 64 * 1024
_FORM = 20_000
SOCKET = "/_nicegui_ws"
"""The path of NiceGUI's websocket, and of the requests that replace it."""
LARGEST_MESSAGE = 1_000_000
"""Bytes of one message on the websocket."""

LARGEST_BODIES = {
    "/api/v1/usage": 10_000_000,
    "/api/v1/usage/litellm": 64_000_000,  # up to 512 requests, each with its prompt and answer
    "/api/v1/usage/openai": 64_000_000,  # one answer with embeddings of many texts
    "/api/v1/otlp/": 64_000_000,
    "/api/v1/authorize": SMALL_BODY,
    "/user/api/": SMALL_BODY,
    "/user/alerts": SMALL_BODY,
    "/user/login": _FORM,
    "/user/logout": _FORM,
    "/user/setup": _FORM,
    "/user/forgot-password": _FORM,
    "/user/reset-password": _FORM,
    f"{SOCKET}/": LARGEST_MESSAGE,
}
"""Bytes by path; a path with a slash at its end is that of a whole tree. Unpacked bodies have the same limit."""
LARGEST_JSON_EXPORT = 20_000_000
"""Bytes of an OpenTelemetry export in JSON: what the protocol recommends; decoding takes several times as much memory.

Of protobuf, `LARGEST_BODIES` has the most that SDKs send.
"""


def largest_body(path: str) -> int:
    """Return how many bytes of a body a path takes; `SMALL_BODY` where no route takes one."""
    return listed_body(path) or SMALL_BODY


def listed_body(path: str) -> int | None:
    """Return the entry of a path, or of the tree that it is in."""
    trees = (most for tree, most in LARGEST_BODIES.items() if tree.endswith("/") and path.startswith(tree))
    return LARGEST_BODIES.get(path) or next(trees, None)


def too_large(most: int) -> TooLarge:
    """Return the refusal of a body with more than `most` bytes."""
    return TooLarge(message("The body is larger than {most} bytes.", most=most))
