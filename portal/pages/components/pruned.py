"""The note about usage that is counted but no longer listed."""

from portal.pages.components.parts import Text
from portal.rules.metering.figures import Figures
from portal.words import _
from portal.words.formats import Formats


class PrunedNote:
    """The sums of requests that are no longer kept one by one; hidden without any."""

    def __init__(self, formats: Formats) -> None:
        """Draw it hidden."""
        self._formats = formats
        self._text = Text("p").classes("mp-hint mp-card__note")
        self._text.set_visibility(False)

    def show(self, pruned: Figures) -> None:
        """Show newer sums."""
        f = self._formats
        self._text.set_visibility(pruned.requests > 0)
        if pruned.requests:
            figures = ", ".join((f.requests(pruned.requests), f.billable(pruned.tokens), f.cost(pruned)))
            self._text.show(
                _("Older requests are no longer kept one by one. Not listed, but counted: {figures}.", figures=figures)
            )
