"""First steps: what a new portal still needs, and where each part is done."""

from dataclasses import dataclass

from nicegui import ui

from portal.db.sql.session import in_reading
from portal.pages.addresses import FIRST_STEPS, NEW_GATEWAY
from portal.pages.components.live import live
from portal.pages.components.parts import Text, icon, tag
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import ACCOUNTS, DASHBOARD, PROFILE
from portal.pages.routing import PageRouter
from portal.rules.messages import Message, message
from portal.views.people.first_steps import FirstSteps, load_first_steps
from portal.web.visitors import Administrator
from portal.words import _, say

router = PageRouter()


@dataclass(frozen=True, slots=True)
class Step:
    """A step: the name of its state, its title, what to do, and the link to where it is done."""

    field: str
    title: Message
    about: Message
    link: Message
    path: str


_STEPS = (
    Step(
        "gateway",
        message("Connect a gateway"),
        message("Done as soon as one has sent its first report."),
        message("Connect gateway"),
        NEW_GATEWAY,
    ),
    Step(
        "people",
        message("Add people"),
        message("Create accounts one by one, or import a list as CSV."),
        message("Open accounts"),
        ACCOUNTS.path,
    ),
    Step(
        "budgets",
        message("Set budgets"),
        message("A default budget for new accounts of a role, or the budget of one account."),
        message("Open budgets"),
        ACCOUNTS.path,
    ),
    Step(
        "mail",
        message("Set up mail"),
        message("On the server, set PORTAL_SMTP_HOST and PORTAL_SMTP_FROM, then restart. Test it on your profile."),
        message("Open profile"),
        PROFILE.path,
    ),
)


@router.page(FIRST_STEPS)
async def first_steps_page(viewer: Administrator) -> None:
    """Show an administrator the four steps with their state."""

    async def load() -> FirstSteps:
        return await in_reading(load_first_steps, viewer.actor)

    with frame(_("First steps"), viewer, section=DASHBOARD) as head:
        head.subtitle(_("Four things that a new portal needs. They can be done in any order."))
        steps = Steps()
        await live(("first-steps", viewer.id), load, lambda view, _now: steps.show(view), head.updated())


class Steps:
    """The four steps; each turns done by itself."""

    def __init__(self) -> None:
        """Draw the steps without their state."""
        with tag("section", "mp-card", data_testid="first-steps", aria_label=_("First steps")):
            with tag("div", "mp-card__head"):
                self._title = Text("h2", skeleton=120)
            with tag("ol", "mp-card__body mp-rows mp-steps"):
                self._states = {step.field: self._draw(step) for step in _STEPS}

    def _draw(self, step: Step) -> tuple[Text, ui.icon]:
        with tag("li", "mp-row"):
            with tag("div", "mp-step"):
                mark = icon("check")
                with tag("div"):
                    Text("h3", say(step.title))
                    Text("p", say(step.about)).classes("mp-card__sub")
            state = Text("span", skeleton=40).classes("mp-badge")
            tag("a", "mp-btn", say(step.link), href=step.path)
        return state, mark

    def show(self, view: FirstSteps) -> None:
        """Show newer states."""
        self._title.show(_("{done} of {all} done", done=view.done, all=FirstSteps.COUNT))
        for field, (state, mark) in self._states.items():
            is_done = bool(getattr(view, field))
            state.show(_("Done") if is_done else _("Open"))
            for element in (state, mark):
                element.classes(add="is-done" if is_done else "", remove="" if is_done else "is-done")
