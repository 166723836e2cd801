"""The desktop program keeps its port, since the programs that its person has connected know it."""

import socket
from pathlib import Path

import pytest

from portal.desktop.failures import Failure
from portal.desktop.ports import FIRST, LAST, keep_port, kept_port, listen, listen_as_before


def port(folder: Path) -> int:
    with listen_as_before(folder) as listener:
        found: int = listener.getsockname()[1]
        return found


def test_port_is_the_same_at_every_start(tmp_path: Path) -> None:
    first = port(tmp_path)
    assert FIRST <= first <= LAST
    assert port(tmp_path) == first
    assert (tmp_path / "port").stat().st_mode & 0o077 == 0


def test_port_of_another_program_is_replaced_until_it_is_free(tmp_path: Path) -> None:
    with listen_as_before(tmp_path) as other:
        usual = other.getsockname()[1]
        assert FIRST <= port(tmp_path) <= LAST
        assert port(tmp_path) != usual
        assert kept_port(tmp_path) == usual
    assert port(tmp_path) == usual


def test_kept_port_replaces_the_one_before(tmp_path: Path) -> None:
    before = port(tmp_path)
    with listen_as_before(tmp_path), keep_port(tmp_path, socket.create_server(("127.0.0.1", 0))) as listener:
        chosen = listener.getsockname()[1]
    assert port(tmp_path) == chosen != before


def test_two_folders_have_ports_of_their_own(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    with listen_as_before(one) as first, listen_as_before(two) as second:
        assert first.getsockname() != second.getsockname()


@pytest.mark.parametrize("text", ["", "x", "-1", "80", "99999", "٣٤٥٦٧"])
def test_port_that_makes_no_sense_is_replaced(tmp_path: Path, text: str) -> None:
    (tmp_path / "port").write_text(text, encoding="utf-8")
    assert FIRST <= port(tmp_path) <= LAST


def test_port_that_cannot_be_kept_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises((Failure, OSError)):
        listen_as_before(tmp_path / "missing")


def test_port_of_another_program_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(Failure, match="Another program uses port"):
        listen(other.getsockname()[1])


def test_port_is_bound_on_loopback_alone() -> None:
    with listen(0) as own:
        assert own.getsockname()[0] == "127.0.0.1"
