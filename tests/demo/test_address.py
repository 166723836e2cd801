"""Tests of the demo's host and port."""

import socket

import pytest

from portal.demo.address import address, free_port, loopback
from portal.errors import Conflict, InvalidInput


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_loopback_host_is_accepted(host: str) -> None:
    assert loopback(host) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.example.org", "127.1", ""])  # noqa: S104  # refused
def test_other_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        loopback(host)


def test_free_port_is_found_and_used_port_refused() -> None:
    assert free_port("127.0.0.1", 0) > 0
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Conflict):
        free_port("127.0.0.1", taken.getsockname()[1])


def test_address_is_a_url() -> None:
    assert address("127.0.0.1", 8080) == "http://127.0.0.1:8080"
    assert address("::1", 8080) == "http://[::1]:8080"
