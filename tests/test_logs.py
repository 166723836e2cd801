"""What is written into the log: nothing that opens a door."""

import logging
import logging.config

import pytest

from portal.logs import WithoutQueries, configuration


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
    logging.config.DictConfigurator(wanted).configure_formatter(wanted["formatters"]["plain"])
