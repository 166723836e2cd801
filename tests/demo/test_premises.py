"""Where the demo may run."""

import socket
from pathlib import Path

import pytest

from portal.demo.premises import address, free_port, loopback, own_directory
from portal.errors import Conflict, InvalidInput


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_this_machine_is_fine(host: str) -> None:
    assert loopback(host) == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.2", "localhost.example.org", "127.1", ""])  # noqa: S104  # refused
def test_anything_else_is_refused(host: str) -> None:
    with pytest.raises(InvalidInput):
        loopback(host)


def test_a_free_port_is_found_and_a_taken_one_refused() -> None:
    assert free_port("127.0.0.1", 0) > 0
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Conflict):
        free_port("127.0.0.1", taken.getsockname()[1])


def test_addresses_are_written_as_browsers_take_them() -> None:
    assert address("127.0.0.1", 8080) == "http://127.0.0.1:8080"
    assert address("::1", 8080) == "http://[::1]:8080"


def test_a_directory_is_emptied_of_databases_alone(tmp_path: Path) -> None:
    for name in ("portal.sqlite3", "portal.sqlite3-wal", "secret", "letter.txt"):
        (tmp_path / name).write_text("old", encoding="utf-8")
    with own_directory(tmp_path, keep=True):
        assert (tmp_path / "portal.sqlite3").exists()
    with own_directory(tmp_path, keep=False):
        assert {path.name for path in tmp_path.iterdir()} == {"secret", "letter.txt", "lock"}


def test_two_demos_do_not_share_a_directory(tmp_path: Path) -> None:
    (tmp_path / "portal.sqlite3").write_text("in use", encoding="utf-8")
    with own_directory(tmp_path, keep=True):
        with pytest.raises(Conflict), own_directory(tmp_path, keep=False):
            pass
        assert (tmp_path / "portal.sqlite3").exists()
    with own_directory(tmp_path, keep=True):
        pass
