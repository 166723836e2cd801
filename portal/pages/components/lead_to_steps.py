"""The card of the dashboard that leads an administrator to the first steps."""

from portal.pages.addresses import FIRST_STEPS
from portal.pages.components.parts import Text, tag
from portal.views.people.first_steps import FirstSteps
from portal.words import _


class LeadToSteps:
    """The first card of the dashboard of an administrator, until there is usage or all steps are done."""

    def __init__(self) -> None:
        """Draw it hidden."""
        with tag("section", "mp-card", data_testid="lead-to-steps", aria_label=_("First steps")) as self._card:
            with tag("div", "mp-card__body mp-row"):
                with tag("div"):
                    Text("h2", _("First steps"))
                    self._sub = Text("p", "").classes("mp-card__sub")
                tag("a", "mp-btn mp-btn--primary", _("Set up the portal"), href=FIRST_STEPS)
        self._card.set_visibility(False)

    def show(self, view: FirstSteps | None) -> None:
        """Show it while there are steps to do."""
        self._card.set_visibility(view is not None)
        if view is not None:
            self._sub.show(_("{done} of {all} done", done=view.done, all=FirstSteps.COUNT))
