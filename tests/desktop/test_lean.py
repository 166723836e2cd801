"""What the server of the desktop program does without."""

import subprocess
import sys

from tests.portals import ROOT

PROGRAM = """
import gc, sys
from portal.desktop.lean import lean_imports
with lean_imports():
    import portal.desktop.serving
print(sorted({"aiohttp", "requests", "websocket", "pygments"} & set(sys.modules)), gc.isenabled())
import aiohttp
print(aiohttp.__name__)
"""
LIGHT = """
import sys
import portal.cli.desktop, portal.desktop.__main__
print(sorted({"pydantic", "nicegui", "sqlalchemy", "starlette", "uvicorn"} & set(sys.modules)))
"""


def run(program: str) -> list[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_server_needs_no_clients_or_lexers() -> None:
    assert run(PROGRAM) == ["[] True", "aiohttp"]


def test_window_opens_before_anything_heavy_is_imported() -> None:
    assert run(LIGHT) == ["[]"]
