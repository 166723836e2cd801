"""The limits of request bodies in bytes: the only table, for plain and for compressed bodies."""

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
    "/api/v1/usage/continue": 10_000_000,  # one event, which may have a prompt and an answer
    "/api/v1/otlp/": 64_000_000,
    "/api/v1/authorize": SMALL_BODY,
    "/user/api/": SMALL_BODY,
    "/admin/api/accounts/import": 5_000_000,  # 5,000 rows, `rules.people.account_import.LARGEST_FILE`
    "/admin/api/accounts/bulk": 256 * 1024,  # the ids of 5,000 accounts
    "/admin/api/prices/import": 20_000_000,  # `rules.spending.price_map.LARGEST_MAP`
    "/admin/api/templates": 256 * 1024,  # 200 models
    "/admin/api/templates/import": 1_000_000,
    "/admin/api/": SMALL_BODY,
    "/user/backup": 1_000_000_000,  # a file to restore, in the desktop program only
    "/user/alerts": SMALL_BODY,
    "/user/login": _FORM,
    "/user/logout": _FORM,
    "/user/exit": _FORM,
    "/user/setup": _FORM,
    "/user/forgot-password": _FORM,
    "/user/reset-password": _FORM,
    f"{SOCKET}/": LARGEST_MESSAGE,
}
"""Bytes by path; a path that ends with a slash means all paths below it. Unpacked bodies have the same limit."""
LARGEST_JSON_EXPORT = 20_000_000
"""Bytes of an OpenTelemetry export in JSON, as the protocol recommends; decoding needs several times as much memory.

The limit for protobuf in `LARGEST_BODIES` is the most that SDKs send.
"""


def largest_body(path: str) -> int:
    """Return the limit of a body for a path in bytes; `SMALL_BODY` for paths that are not listed."""
    return listed_body(path) or SMALL_BODY


def listed_body(path: str) -> int | None:
    """Return the limit of a path in `LARGEST_BODIES`; None without one."""
    trees = (most for tree, most in LARGEST_BODIES.items() if tree.endswith("/") and path.startswith(tree))
    return LARGEST_BODIES.get(path) or next(trees, None)


def too_large(most: int) -> TooLarge:
    """Return the error for a body of more than `most` bytes."""
    return TooLarge(message("The body is larger than {most} bytes.", most=most))
