"""Pages wait for a busy machine."""

from nicegui import ui
from starlette.routing import Route

from portal.pages.routing import MOST_TO_BUILD, PageRouter


def test_a_page_may_take_longer_than_the_library_allows() -> None:
    router = PageRouter()
    found = router.page("/slow")
    assert found.response_timeout == MOST_TO_BUILD
    found(lambda: ui.label("shown"))
    assert [route.path for route in router.routes if isinstance(route, Route)] == ["/slow"]
