"""Team: the usage of a manager's team, and the remaining tokens of its members."""

from datetime import datetime

from nicegui import ui
from starlette.requests import Request

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import NotFound
from portal.pages.components.inputs.fields import choice_field
from portal.pages.components.live import live
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import TEAM
from portal.pages.routing import PageRouter
from portal.pages.team.parts import MemberCard, TeamFigures
from portal.views.people.teams import TeamView, load_managed, load_team
from portal.web.visitors import TeamManager
from portal.words import _
from portal.words.formats import Formats

router = PageRouter()


@router.page(TEAM.path)
async def own_team_page(request: Request, viewer: TeamManager) -> None:
    """Show a manager one of the own teams: that in the address, or the first one."""
    teams = await in_reading(load_managed, viewer.id)
    names = {str(team_id): name for team_id, name in teams}
    asked = request.query_params.get("team") or next(iter(names), "")
    if asked not in names:
        raise NotFound
    team_id, formats = int(asked), Formats.of(viewer)

    async def load() -> TeamView:
        return await in_reading(load_team, viewer.actor, team_id, utc_now())

    with frame(TEAM, viewer) as head:
        if len(names) > 1:
            with head.side:
                choice = choice_field(_("Team"), names, asked)
            choice.control.on_value_change(lambda event: ui.navigate.to(f"{TEAM.path}?team={event.value}"))
        figures = TeamFigures(formats)
        members = MemberCard(formats)

        def show(view: TeamView, now: datetime) -> None:
            centre = _("Cost centre {name}", name=view.item.cost_centre) if view.item.cost_centre else ""
            head.subtitle(" · ".join(filter(None, (view.item.name, centre))))
            figures.show(view, now)
            members.show(view)

        await live(("team", viewer.id, team_id), load, show, head.updated())
