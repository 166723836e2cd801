"""Empty places of the desktop program, which lead to Connect."""

from nicegui.element import Element

from portal.pages.components.parts import Text, empty, icon, tag
from portal.pages.navigation import CONNECT
from portal.words import _


def connect_program(icon_of: str, title: str, sentence: str, *, heading: str = "h3") -> Element:
    """Draw the message of an empty place, with the button that leads to Connect."""
    with empty(icon_of, title, sentence, heading=heading) as place:
        with tag("a", "mp-btn mp-btn--primary", href=CONNECT.path):
            icon(CONNECT.icon)
            Text("span", _("Connect a program"))
    return place
