"""Every entry of the menu leads to a page."""

from dataclasses import replace

from portal.db.tables import Account
from portal.pages import server_pages
from portal.pages.navigation import MENU, TEAM, menu_of
from tests.cast import viewer_of


def test_every_page_of_the_menu_has_its_route() -> None:
    routes = {getattr(route, "path", "") for page in server_pages() for route in page.router.routes}
    assert [page.path for page in MENU if page.path not in routes] == []


def test_only_managers_have_the_page_of_their_team(alice: Account) -> None:
    viewer = viewer_of(alice)
    assert TEAM not in menu_of(viewer)[0]
    assert TEAM in menu_of(replace(viewer, manages=True))[0]
