"""The addresses of our own files. All are on this server, each with a version that changes with its content.

Decision: styles and scripts are beside the component or page that needs them, and are joined at the first request. The
order of `STYLES` matters where two rules of the same weight apply to one element: the later one wins.
"""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).parents[2] / "static"
_PAGES = Path(__file__).parents[1]
STYLES = (
    "components/base/tokens.css",
    "components/base/base.css",
    "components/base/focus.css",
    "components/shell/frame.css",
    "components/shell/menus.css",
    "components/shell/bell.css",
    "components/shell/closed.css",
    "components/shell/acting.css",
    "components/parts.css",
    "components/cards.css",
    "components/buttons.css",
    "components/names.css",
    "components/cells.css",
    "components/table.css",
    "components/inputs/fields.css",
    "components/inputs/dialogs.css",
    "components/listing.css",
    "components/filters.css",
    "components/table_list.css",
    "components/bulk/bulk.css",
    "components/charts/chart.css",
    "account/dashboard.css",
    "account/budget_cards.css",
    "account/forecast_line.css",
    "account/requests/asking.css",
    "account/budget_table.css",
    "account/billing.css",
    "account/costs/cost_dialog.css",
    "account/alerts.css",
    "account/usage/table.css",
    "account/usage/note_dialog.css",
    "account/keys.css",
    "account/profile.css",
    "account/computer.css",
    "account/notifications/card.css",
    "admin/accounts/account_list.css",
    "admin/teams/team_list.css",
    "team/team.css",
    "admin/usage/organisation.css",
    "admin/usage/requests.css",
    "admin/prices/prices.css",
    "admin/accounts/account.css",
    "admin/first_steps.css",
    "admin/audit.css",
    "admin/held/held_list.css",
    "admin/requests/request_list.css",
    "admin/templates/template_list.css",
    "admin/notes.css",
    "admin/system/system.css",
    "admin/gateways.css",
    "admin/gateway.css",
    "admin/connect.css",
    "account/programs.css",
    "forms/forms.css",
    "components/base/touch.css",
)
"""The parts of the stylesheet, in order."""
JOINED = {
    "portal.css": STYLES,
    "portal.js": ("components/shell/frame.js", "components/inputs/drafts.js", "components/names.js"),
    "login.js": ("forms/login.js",),
}
"""Files that are joined from parts beside the pages, by the name under which they are served."""


@cache
def content(name: str) -> bytes:
    """Return one of our own files. Raises OSError."""
    parts = [_PAGES / part for part in JOINED[name]] if name in JOINED else [STATIC / name]
    return b"\n".join(part.read_bytes() for part in parts)


@cache
def static(name: str) -> str:
    """Return the URL of one of our own files; browsers may cache it without limit, since new content has a new URL."""
    return f"/static/{name}?v={hashlib.sha256(content(name)).hexdigest()[:12]}"
