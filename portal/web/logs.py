"""Logging: text or JSON lines on stderr, without secrets.

Query strings are left out, since some contain a setup link or the id of an open page. Successful requests of static
files and health probes are left out too. Keys, tokens and passwords in addresses are removed from every line: an
exception of a library may contain them.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

_QUIET = ("/static/", "/_nicegui/", "/healthz", "/readyz", "/favicon.ico")
_SECRETS = (
    (re.compile(r"(moe-(?:sk|gw|ad|wh)-[0-9a-f]{9})[0-9a-f]+"), r"\1…"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s/@:]*):[^\s/@]+@"), r"\1:…@"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s?\"'<>]*)\?[^\s\"'<>]+"), r"\1?…"),
    (re.compile(r"\b(token=)[\w.~%+-]+"), r"\1…"),
)
"""Patterns of keys and tokens after their prefix, passwords and query strings in addresses, and tokens of links."""


class WithoutQueries(logging.Filter):
    """Removes the query string from uvicorn's access lines, and drops lines of static files and probes."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change a record in place; return whether it is logged."""
        match record.args:
            case (address, method, str(path), version, int(status)):
                path = path.partition("?")[0]
                record.args = (address, method, path, version, status)
                return status >= 400 or not path.startswith(_QUIET)
        return True


class TextLines(logging.Formatter):
    """Lines for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as text, with its traceback below."""
        return without_secrets(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC), level, logger, message, and the traceback as exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {
            "time": time,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": without_secrets(record.getMessage()),
        }
        if record.exc_info:
            fields["exception"] = without_secrets(self.formatException(record.exc_info))
        return json.dumps(fields, ensure_ascii=False)


def without_secrets(text: str) -> str:
    """Return a text without keys, tokens, passwords in addresses and query strings."""
    for pattern, left in _SECRETS:
        text = pattern.sub(left, text)
    return text


def configuration(level: str = "info", form: str = "text", *, access: bool = True) -> dict[str, Any]:
    """Return the logging configuration of a server.

    `level` is debug, info, warning or error, `form` is text or json, `access` adds one line per request. Libraries log
    warnings and errors only, at any level: their debug lines contain headers and query strings.
    """
    least = level.upper()
    at_most_warning = "ERROR" if least == "ERROR" else "WARNING"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "text": {"()": TextLines, "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"},
            "json": {"()": JsonLines},
        },
        "filters": {"without_queries": {"()": WithoutQueries}},
        "handlers": {
            "stderr": {"class": "logging.StreamHandler", "stream": "ext://sys.stderr", "formatter": form},
        },
        "root": {"level": at_most_warning, "handlers": ["stderr"]},
        "loggers": {
            "portal": {"level": least},
            "uvicorn": {"level": at_most_warning},  # its info lines about websockets have query strings
            "uvicorn.access": {
                "level": "INFO" if access and least in {"DEBUG", "INFO"} else at_most_warning,
                "filters": ["without_queries"],
            },
        },
    }
