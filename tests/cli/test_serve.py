"""`portal serve`, up to where the server begins."""

from typing import Any

from portal.settings import Settings
from tests.cli.terminal import misuse, succeed


def test_serve_listens_at_the_given_address(served: list[Settings], settings_env: Any) -> None:
    settings_env(host="127.0.0.2", port=8090)
    succeed("serve")
    succeed("serve", "--host", "::1", "--port", "8099")
    assert [(s.host, s.port) for s in served] == [("127.0.0.2", 8090), ("::1", 8099)]
    misuse("serve", "--port", "70000")
