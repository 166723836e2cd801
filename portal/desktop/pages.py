"""The files that a browser opens: they contain a ticket, so only their owner may read them."""

import os
import secrets
from html import escape
from pathlib import Path

from portal.desktop.access import OPEN

_WITH_TICKET = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>MoE Portal</title><meta name="color-scheme" content="light dark">
<form method="post" action="http://127.0.0.1:{port}{path}"><input type="hidden" name="ticket" value="{ticket}"></form>
<script>document.forms[0].submit()</script></html>
"""


def write_ticket_file(folder: Path, port: int, ticket: str) -> Path:
    """Write the page that opens the portal with a ticket; return its path."""
    path = folder / f"open-{secrets.token_hex(8)}.html"
    write_private(path, _WITH_TICKET.format(port=port, path=OPEN, ticket=escape(ticket)))
    return path


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read; readers see the old content or the new one."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
