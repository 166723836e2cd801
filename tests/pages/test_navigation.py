"""Every entry of the menu leads to a page."""

from portal.pages import server_pages
from portal.pages.navigation import MENU


def test_every_page_of_the_menu_has_its_route() -> None:
    routes = {getattr(route, "path", "") for page in server_pages() for route in page.router.routes}
    assert [page.path for page in MENU if page.path not in routes] == []
