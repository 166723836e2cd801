"""One program per folder, and how the second finds the first."""

import http.server
import json
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from portal.desktop import instance as module
from portal.desktop.failures import Failure
from portal.desktop.instance import Instance, Wish, read_wish

WISH = Wish(True, {"DISPLAY": ":1"})


@contextmanager
def first_program(instance: Instance) -> Iterator[list[Wish]]:
    """Answer wishes that have the secret, as the server does; give those that came."""
    wishes: list[Wish] = []

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_known = self.headers["Authorization"] == f"Bearer {instance.secret}"
            if is_known:
                wishes.append(read_wish(body))
            self.send_response(200 if is_known else 403)
            self.end_headers()
            self.wfile.write(json.dumps({"port": 1}).encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        instance.publish(server.server_port)
        yield wishes
        server.shutdown()


def test_only_one_takes_a_folder(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_second_start_reaches_the_first(tmp_path: Path) -> None:
    first = Instance(tmp_path)
    assert first.take()
    with first_program(first) as wishes:
        assert stat.S_IMODE((tmp_path / "instance.json").stat().st_mode) == 0o600
        assert Instance(tmp_path).ask(WISH) == {"port": 1}
    assert wishes == [WISH]
    first.release()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_second_start_takes_over_after_a_failed_first(tmp_path: Path) -> None:
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.take()
    assert not second.take()
    threading.Thread(target=first.release).start()  # it ends before it has answered
    assert second.ask(WISH) is None
    assert not Instance(tmp_path).take()
    second.release()


def test_file_of_a_killed_program_is_removed(tmp_path: Path) -> None:
    (tmp_path / "instance.json").write_text('{"port": 1, "secret": "old"}', encoding="utf-8")
    instance = Instance(tmp_path)
    assert instance.take()
    assert not (tmp_path / "instance.json").exists()
    instance.release()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"port": "x", "secret": "y"}', '{"port": 9}'])
def test_program_that_does_not_answer_is_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.setattr(module, "ANSWERS_WITHIN", 0.3)
    first, second = Instance(tmp_path), Instance(tmp_path)
    assert first.take()
    assert not second.take()
    (tmp_path / "instance.json").write_text(content, encoding="utf-8")
    with pytest.raises(Failure, match="does not answer"):
        second.ask(WISH)
    first.release()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"screen": []}', b"\xff"])
def test_malformed_wish_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # of the JSON reader too
        read_wish(body)
