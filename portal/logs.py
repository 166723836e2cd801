"""What is logged, and how: plain lines on stderr, without anything that opens a door.

Query strings are left out, since a setup link or the id of an open page is in some of them. What only proves that the
server is there (our own files, health probes) is left out as well while it goes well.
"""

import logging
from typing import Any

_QUIET = ("/static/", "/_nicegui/", "/healthz", "/readyz", "/favicon.ico")


class WithoutQueries(logging.Filter):
    """Takes the query string out of uvicorn's access lines, and leaves out what nobody would look for."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record in place, and say whether it is kept."""
        match record.args:
            case (address, method, str(path), version, int(status)):
                path = path.partition("?")[0]
                record.args = (address, method, path, version, status)
                return status >= 400 or not path.startswith(_QUIET)
        return True


def configuration(*, access: bool = True) -> dict[str, Any]:
    """Return the logging configuration of a server; `access` is one line per request."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
        "filters": {"without_queries": {"()": WithoutQueries}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": "plain"},
        },
        "root": {"level": "WARNING", "handlers": ["stderr"]},
        "loggers": {
            "portal": {"level": "INFO"},
            "uvicorn": {"level": "WARNING"},  # its notes on websockets have their query strings
            "uvicorn.access": {"level": "INFO" if access else "WARNING", "filters": ["without_queries"]},
        },
    }
