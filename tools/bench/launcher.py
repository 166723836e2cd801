"""`python main.py` with one more route that does nothing, as the floor of other routes.

It is the first route, like the portal's most frequent routes, and passes through the same middleware.
"""

from portal import api
from portal.cli import app


def empty() -> None:
    """Answer null."""


if __name__ == "__main__":
    router = api.api_router(is_desktop=False)
    router.add_api_route("/bench/empty", empty)
    router.routes.insert(0, router.routes.pop())
    app(["serve"], prog_name="portal")
