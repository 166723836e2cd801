"""Names of any length: of models, keys, gateways, modes and people.

Decision: the whole name is in its `mp-name`, once. Where it has no room, the browser draws it shortened in its middle
(names.js measures, names.css draws), so that screen readers, searches and copies still meet all of it; pressed, or
with the focus in a link or button, it is shown whole. On a phone, where lines are short and fingers need room, names
beside others flow on to further lines instead: those are called `flows`.
"""

from portal.pages.components.parts import Text, tag


class Name:
    """A name that may change."""

    def __init__(self, text: str = "", *, flows: bool = False) -> None:
        """Draw a name."""
        with tag("mp-name", "flows" if flows else "") as self.element:
            self._text = Text("span", text)

    def show(self, text: str) -> None:
        """Put another name in place."""
        self._text.show(text)
