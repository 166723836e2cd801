"""Names of any length: of models, keys, gateways, modes and people.

Decision: an `mp-name` has the whole name as its text. If the name has no room, the browser draws it shortened in its
middle (names.js measures, names.css draws), so screen readers, searches and copies still find the whole name. Pressed,
or with the focus in a link or button, it is shown whole. On a phone, names beside other texts wrap to further lines
instead: the option `flows`.
"""

from portal.pages.components.parts import Text, tag


class Name:
    """A name that may change."""

    def __init__(self, text: str = "", *, flows: bool = False) -> None:
        """Draw a name."""
        with tag("mp-name", "flows" if flows else "") as self.element:
            self._text = Text("span", text)

    def show(self, text: str) -> None:
        """Show another name."""
        self._text.show(text)
