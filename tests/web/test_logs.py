"""Lines of the log, without secrets."""

import json
import logging
import logging.config
import sys

import pytest

from portal.web.logs import JsonLines, TextLines, WithoutQueries, configuration, without_secrets


def access(path: str, status: int = 200) -> logging.LogRecord:
    """Return an access line as uvicorn writes it."""
    args = ("127.0.0.1:5000", "GET", path, "1.1", status)
    return logging.LogRecord("uvicorn.access", logging.INFO, "", 0, '%s - "%s %s HTTP/%s" %d', args, None)


def test_query_strings_are_left_out() -> None:
    record = access("/user/setup?token=secret")
    assert WithoutQueries().filter(record)
    assert record.getMessage() == '127.0.0.1:5000 - "GET /user/setup HTTP/1.1" 200'


@pytest.mark.parametrize(
    ("path", "status", "is_kept"),
    [
        pytest.param("/user/dashboard", 200, True, id="a page"),
        pytest.param("/static/portal.css?v=1", 200, False, id="one of our own files"),
        pytest.param("/static/portal.css?v=1", 404, True, id="unless it is not there"),
        pytest.param("/_nicegui/3.18.0/static/nicegui.js", 304, False, id="one of NiceGUI's"),
        pytest.param("/healthz", 200, False, id="a probe"),
        pytest.param("/readyz", 503, True, id="a probe that fails"),
    ],
)
def test_what_is_worth_a_line(path: str, status: int, is_kept: bool) -> None:
    assert WithoutQueries().filter(access(path, status)) is is_kept


def test_other_lines_are_left_as_they_are() -> None:
    record = logging.LogRecord("uvicorn.access", logging.INFO, "", 0, "%s?", ("what",), None)
    assert WithoutQueries().filter(record)
    assert record.getMessage() == "what?"


@pytest.mark.parametrize(("access", "level"), [(True, "INFO"), (False, "WARNING")])
def test_the_configuration_is_one(access: bool, level: str) -> None:
    wanted = configuration(access=access)
    assert wanted["loggers"]["uvicorn.access"]["level"] == level
    for formatter in ("text", "json"):
        logging.config.DictConfigurator(wanted).configure_formatter(wanted["formatters"][formatter])


KEY = "moe-sk-0123456789abcdef0123456789abcdef0123456789abcdef"
LEAKS = [
    (f"sent {KEY} by mistake", "sent moe-sk-012345678… by mistake"),
    (KEY.replace("sk", "ad"), "moe-ad-012345678…"),
    (KEY.replace("sk", "wh"), "moe-wh-012345678…"),
    ("postgresql://portal:sesame@db/portal", "postgresql://portal:…@db/portal"),
    ("GET https://x.example/user/setup?token=abc&b=1 failed", "GET https://x.example/user/setup?… failed"),
    ("/user/setup?token=abc-_1", "/user/setup?token=…"),
]


@pytest.mark.parametrize(("text", "left"), LEAKS)
def test_secrets_are_taken_out_of_every_line(text: str, left: str) -> None:
    assert without_secrets(text) == left
    record = logging.LogRecord("portal", logging.INFO, "", 0, "%s", (text,), None)
    assert TextLines("%(message)s").format(record) == left
    assert json.loads(JsonLines().format(record))["message"] == left


def test_json_is_one_object_a_line_with_its_exception() -> None:
    try:
        raise ValueError(f"no\n{KEY}")
    except ValueError:
        record = logging.LogRecord("portal.web.server", logging.ERROR, "", 0, "first\nsecond %d", (2,), sys.exc_info())
    record.created = 1_795_374_933.25
    line = JsonLines().format(record)
    assert "\n" not in line
    logged = json.loads(line)
    assert logged.pop("exception").endswith("ValueError: no\nmoe-sk-012345678…")
    assert logged == {
        "time": "2026-11-22T19:15:33.250Z",
        "level": "error",
        "logger": "portal.web.server",
        "message": "first\nsecond 2",
    }


@pytest.mark.parametrize(
    ("level", "own", "libraries", "requests"),
    [
        ("debug", "DEBUG", "WARNING", "INFO"),
        ("info", "INFO", "WARNING", "INFO"),
        ("warning", "WARNING", "WARNING", "WARNING"),
        ("error", "ERROR", "ERROR", "ERROR"),
    ],
)
def test_level_is_the_portals_own(level: str, own: str, libraries: str, requests: str) -> None:
    wanted = configuration(level)
    assert wanted["root"]["level"] == wanted["loggers"]["uvicorn"]["level"] == libraries
    assert (wanted["loggers"]["portal"]["level"], wanted["loggers"]["uvicorn.access"]["level"]) == (own, requests)
