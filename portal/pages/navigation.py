"""The pages of the menu: name, address and icon, in the order in which they are shown."""

from portal.pages.addresses import GATEWAYS
from portal.rules.accounts import Role
from portal.views.accounts import Viewer

Entry = tuple[str, str, str]

PAGES: tuple[Entry, ...] = (
    ("Dashboard", "/user/dashboard", "dash"),
    ("Billing", "/user/billing", "bill"),
    ("Usage History", "/user/usage", "list"),
    ("API Keys", "/user/keys", "key"),
    ("Profile", "/user/profile", "user"),
)
ADMINISTRATION: tuple[Entry, ...] = (("Gateways", GATEWAYS, "chart"),)


def pages_of(viewer: Viewer) -> tuple[tuple[Entry, ...], tuple[Entry, ...]]:
    """Return a viewer's own pages, and the administration's where the viewer may open them."""
    return PAGES, ADMINISTRATION if viewer.role == Role.ADMIN else ()
