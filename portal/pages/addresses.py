"""Addresses of pages. `own_path` refuses those of other sites."""

from urllib.parse import quote, urlencode

from starlette.requests import Request

from portal.pages.navigation import ACCOUNTS, BILLING, DASHBOARD, GATEWAYS, USAGE
from portal.rules.metering.usage import UsageFilter
from portal.rules.periods import DayRange

SIGN_IN = "/user/login"
NEW_GATEWAY = f"{GATEWAYS.path}/new"
FIRST_STEPS = "/admin/setup"
BILLABLE = f"{BILLING.path}#billable"
"""The only place that explains billable and raw tokens."""
_NOT_BACK_TO = {"/", SIGN_IN, "/user/logout", "/user/setup"}
LONGEST_ADDRESS = 2000


def own_path(text: str) -> str | None:
    r"""Return a path of this portal with its query unchanged; None for a path that may lead to another site.

    Browsers take `//host`, `/\host` and, after removing control characters, `/<tab>/host` for other sites.
    """
    path = text.partition("#")[0].partition("?")[0]
    leads_here = text.startswith("/") and "//" not in path and "\\" not in text and text.isprintable()
    return text if leads_here and len(text) <= LONGEST_ADDRESS and path not in _NOT_BACK_TO else None


def sign_in_path(request: Request) -> str:
    """Return the address of the sign-in form, which leads back to the requested page."""
    query = request.scope["query_string"].decode("latin-1")
    asked = quote(request.scope["path"]) + (f"?{query}" if query else "")
    wanted = own_path(asked) if request.method == "GET" else None
    return SIGN_IN if wanted in {None, DASHBOARD.path} else f"{SIGN_IN}?next={quote(wanted or '', safe='')}"


def requests_url(days: DayRange | None, usage: str = USAGE.path, **more: object) -> str:
    """Return the address of a list of requests with those of these days in the budget zone.

    `usage` is the address of the list, by default that of the reader's own requests.
    """
    wanted = UsageFilter(budget_from=days.first if days else None, budget_to=days.last if days else None)
    return f"{usage}?{urlencode(wanted.with_(**more).params())}"


def account_url(account_id: int, part: str = "") -> str:
    """Return the address of the page of an account for administrators; `part` is "usage" or "billing"."""
    return "/".join(filter(None, (ACCOUNTS.path, str(account_id), part)))
