"""The pages of the menu, in the order in which they are shown.

Each has its name, address, icon and role here. Its module reads route and title from here, the menu its links.

Decision: the desktop program has no API keys. A key names the person to a gateway that several people share; on a
desktop all usage is that of one person, and each program has a token of its own, which Connect makes.
"""

from dataclasses import dataclass

from portal.rules.messages import Message, message
from portal.rules.people.accounts import Role
from portal.settings import settings
from portal.views.people.accounts import Viewer


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the menu; its name is its title. `role` is the only role that may open it; None allows every role.

    With `for_managers` only accounts that manage a team may open it.
    """

    name: Message
    path: str
    icon: str
    role: Role | None = None
    for_managers: bool = False


DASHBOARD = Entry(message("Dashboard"), "/user/dashboard", "dash")
BILLING = Entry(message("Billing"), "/user/billing", "bill")
USAGE = Entry(message("Usage History"), "/user/usage", "list")
KEYS = Entry(message("API Keys"), "/user/keys", "key")
TEAM = Entry(message("Team"), "/team", "team", for_managers=True)
TEAM_REQUESTS = Entry(message("Team Requests"), "/team/requests", "inbox", for_managers=True)
PROFILE = Entry(message("Profile"), "/user/profile", "user")
ACCOUNTS = Entry(message("Accounts"), "/admin/accounts", "users", Role.ADMIN)
TEAMS = Entry(message("Teams"), "/admin/teams", "team", Role.ADMIN)
ORGANISATION = Entry(message("Organisation Usage"), "/admin/usage", "chart", Role.ADMIN)
REQUESTS = Entry(message("Budget Requests"), "/admin/requests", "inbox", Role.ADMIN)
AUDIT = Entry(message("Audit Log"), "/admin/audit", "lock", Role.ADMIN)
TEMPLATES = Entry(message("Expert Templates"), "/admin/templates", "shuffle", Role.ADMIN)
PRICES = Entry(message("Prices"), "/admin/prices", "tag", Role.ADMIN)
GATEWAYS = Entry(message("Gateways"), "/admin/gateways", "plug", Role.ADMIN)
HELD = Entry(message("Held Events"), "/admin/held", "clock", Role.ADMIN)
SYSTEM = Entry(message("System"), "/admin/system", "server", Role.ADMIN)
NOTES = Entry(message("Notes"), "/admin/notes", "note", Role.ADMIN)
CONNECT = Entry(message("Connect"), "/user/connect", "plug")

MENU = (
    DASHBOARD,
    BILLING,
    USAGE,
    KEYS,
    TEAM,
    TEAM_REQUESTS,
    PROFILE,
    ACCOUNTS,
    TEAMS,
    REQUESTS,
    ORGANISATION,
    PRICES,
    TEMPLATES,
    GATEWAYS,
    HELD,
    NOTES,
    AUDIT,
    SYSTEM,
)
DESKTOP_MENU = (DASHBOARD, BILLING, USAGE, CONNECT, PROFILE)
"""The menu of the desktop program."""


def menu_of(viewer: Viewer) -> tuple[list[Entry], list[Entry]]:
    """Return the pages of every account, and those of administration that the viewer may open.

    An administrator who manages a team decides the requests of its members where those of all people are.
    """
    if settings().is_desktop:
        return list(DESKTOP_MENU), []
    own = [page for page in MENU if page.role is None and (viewer.manages or not page.for_managers)]
    if viewer.role == Role.ADMIN and TEAM_REQUESTS in own:
        own.remove(TEAM_REQUESTS)
    return own, [page for page in MENU if page.role == viewer.role]
