"""The pages of the menu, in the order in which they are shown.

Each has its name, address, icon and role here. Its module reads route and title from here, the menu its links.
"""

from dataclasses import dataclass

from portal.rules.accounts import Role
from portal.rules.messages import Message, message
from portal.views.accounts import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu; its name is its title. `role` is the only role that may open it; None allows every role."""

    name: Message
    path: str
    icon: str
    role: Role | None = None


DASHBOARD = Entry(message("Dashboard"), "/user/dashboard", "dash")
BILLING = Entry(message("Billing"), "/user/billing", "bill")
USAGE = Entry(message("Usage History"), "/user/usage", "list")
KEYS = Entry(message("API Keys"), "/user/keys", "key")
PROFILE = Entry(message("Profile"), "/user/profile", "user")
GATEWAYS = Entry(message("Gateways"), "/admin/gateways", "chart", Role.ADMIN)

MENU = (DASHBOARD, BILLING, USAGE, KEYS, PROFILE, GATEWAYS)


def menu_of(viewer: Viewer) -> tuple[list[Entry], list[Entry]]:
    """Return the pages of every account, and those of administration that the viewer may open."""
    return [page for page in MENU if page.role is None], [page for page in MENU if page.role == viewer.role]
