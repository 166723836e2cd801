"""A file that a person chooses; the browser sends it in pieces over the websocket, which has the rights of the page."""

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from portal.pages.components.parts import tag

_PICK = "() => document.getElementById('%s').click()"
_PIECE = 300_000
"""Bytes of a piece of the file; a message on the websocket may have three times as many."""
_SEND = """async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  emit({state: "begin", name: file.name.slice(0, 200)});
  if (file.size <= %d) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    for (let at = 0; at < bytes.length; at += %d) {
      let text = "";
      for (const byte of bytes.subarray(at, at + %d)) text += String.fromCharCode(byte);
      emit({state: "piece", text: btoa(text)});
    }
  }
  emit({state: file.size <= %d ? "end" : "large"});
}"""

Taken = Callable[[str, bytes | None], Awaitable[None]]


class FilePicker:
    """A hidden field for a file, and the button that opens it."""

    def __init__(self, label: str, accept: str, largest: int, taken: Taken, opener: ui.button) -> None:
        """Draw the field; `taken` gets the name and the bytes, None for a file of more than `largest` bytes."""
        self._largest, self._taken = largest, taken
        self._name = ""
        self._content = bytearray()
        picker = tag("input", type="file", accept=accept, hidden="", aria_label=label)
        picker.on("change", self._take, js_handler=_SEND % (largest, _PIECE, _PIECE, largest))
        opener.on("click", js_handler=_PICK % picker.html_id)

    async def _take(self, event: GenericEventArguments) -> None:
        sent: dict[str, Any] = event.args if isinstance(event.args, dict) else {}
        state = sent.get("state")
        if state == "begin":
            self._name = str(sent.get("name", ""))[:200]
            self._content.clear()
        elif state == "piece":
            self._add(sent.get("text"))
        elif state in {"end", "large"}:
            is_large = state == "large" or len(self._content) > self._largest
            content = None if is_large else bytes(self._content)
            self._content.clear()
            await self._taken(self._name, content)

    def _add(self, text: object) -> None:
        try:
            piece = base64.b64decode(text if isinstance(text, str) else "", validate=True)
        except (binascii.Error, ValueError):
            return
        if len(self._content) <= self._largest:
            self._content += piece
