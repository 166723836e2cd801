"""Where people are sent: only ever to a page of this portal."""

from urllib.parse import quote

from starlette.requests import Request

DASHBOARD = "/user/dashboard"
SIGN_IN = "/user/login"
GATEWAYS = "/admin/gateways"
CONNECT = "/admin/gateways/new"
_NOT_BACK_TO = {"/", SIGN_IN, "/user/logout", "/user/setup"}
LONGEST_ADDRESS = 2000


def own_path(text: str) -> str | None:
    r"""Return a path of this portal with its query, as it was asked for; None for what might lead elsewhere.

    Browsers take `//host`, `/\host` and, once they have dropped control characters, `/<tab>/host` for other sites.
    """
    path = text.partition("#")[0].partition("?")[0]
    leads_here = text.startswith("/") and "//" not in path and "\\" not in text and text.isprintable()
    return text if leads_here and len(text) <= LONGEST_ADDRESS and path not in _NOT_BACK_TO else None


def sign_in_path(request: Request) -> str:
    """Return the way to the sign-in form, and back to the page that was asked for."""
    query = request.scope["query_string"].decode("latin-1")
    asked = quote(request.scope["path"]) + (f"?{query}" if query else "")
    wanted = own_path(asked) if request.method == "GET" else None
    return SIGN_IN if wanted in {None, DASHBOARD} else f"{SIGN_IN}?next={quote(wanted or '', safe='')}"
