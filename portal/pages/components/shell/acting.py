"""The banner on every page while an administrator sees the portal as another person."""

from portal.pages.components.parts import Text, icon, tag
from portal.views.people.accounts import Viewer
from portal.words import _
from portal.words.formats import Formats

EXIT = "/user/exit"
"""The address of the form that ends it."""


def acting_banner(viewer: Viewer, formats: Formats) -> None:
    """Draw who is seen, that nothing can be changed, until when, and the button that ends it."""
    if viewer.acting is None:
        return
    with tag("section", "mp-msg mp-msg--warn mp-acting", aria_label=_("Acting as a person"), data_testid="acting"):
        icon("user")
        with tag("div"):
            Text("b", _("You see the portal as {name}.", name=viewer.display_name))
            until = formats.clock(viewer.acting.until)
            Text("span", " " + _("You can look, but change nothing. It ends at {time}.", time=until))
        with tag("form", "", method="post", action=EXIT):
            tag("button", "mp-btn", _("Exit"), type="submit")
