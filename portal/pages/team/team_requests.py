"""Team Requests: who of a manager's teams waits for more tokens, and what became of earlier requests."""

from dataclasses import replace

from starlette.requests import Request

from portal.pages.admin.requests import request_list
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import TEAM_REQUESTS
from portal.pages.routing import PageRouter
from portal.web.visitors import TeamManager

router = PageRouter()

LISTING = replace(request_list.LISTING, path=TEAM_REQUESTS.path, formats=())
"""Without files: those of `/admin/api` are for administrators."""


@router.page(TEAM_REQUESTS.path)
async def team_requests_page(request: Request, viewer: TeamManager) -> None:
    """Show a manager the requests of the members of own teams."""
    place, complaint = LISTING.read(request.query_params)
    with frame(TEAM_REQUESTS, viewer) as head:
        await request_list.RequestList(LISTING, viewer, place).open(head, complaint)
