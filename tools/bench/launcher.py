"""`python main.py`, with one more route that does nothing: what any other route costs at least.

It comes first, as the portal puts those that are asked often, and passes everything that surrounds them.
"""

from portal import api
from portal.cli import app


def empty() -> None:
    """Answer null."""


if __name__ == "__main__":
    api.router.add_api_route("/bench/empty", empty)
    api.router.routes.insert(0, api.router.routes.pop())
    app(["serve"], prog_name="portal")
