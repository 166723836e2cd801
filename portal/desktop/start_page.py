"""The page that a window shows first: the program starts, it cannot start, or the window goes on to the portal.

Decision: the page is a file, so that a window has something to show before the server runs, and so that no ticket is
in a command line. The ticket comes later, in the file `state.js` beside it, which the page reads again and again; a
page from a file may load scripts beside it, and nothing else. Both files are readable for their owner only. A page
that is opened after the server has started contains its ticket itself, since some browsers may read one file only.
"""

import json
from contextlib import suppress
from pathlib import Path
from string import Template

from portal.desktop.private import make_private_folder, write_private
from portal.rules.messages import Message, message
from portal.words import say

OPEN = "/desktop/open"
"""The address that takes tickets."""
CANNOT_START = message("MoE Portal cannot start")
_STARTS = message("MoE Portal is starting …")
_DONE = message("This page has done its work")
_CLOSE = message("Close this window. MoE Portal is in another one; start it again to see it.")
_FOLDER = Path(__file__).parent
_ICON = _FOLDER.parent / "static" / "favicon.svg"

State = dict[str, str]
"""What a page shows or does: `action` and `ticket`, or `title` and `text`, or nothing yet."""


class StartPage:
    """The page of one start, in every folder from which a browser has opened it."""

    def __init__(self, language: str) -> None:
        """Write the sentences in `language`."""
        self._language = language
        self._state: State = {}
        self._folders: list[Path] = []

    def write(self, folder: Path) -> Path:
        """Write the page into a folder; return its path. Raises OSError."""
        make_private_folder(folder)
        write_private(folder / "state.js", _script(self._state))
        page = folder / "window.html"
        write_private(page, _html(self._language, {}))
        self._folders.append(folder)
        return page

    def go_on(self, port: int, ticket: str) -> None:
        """Send the window to the portal. Raises OSError."""
        self._change(_to_portal(port, ticket))

    def finish(self) -> None:
        """Remove the ticket, which has been used."""
        self._change({"title": say(_DONE, self._language), "text": say(_CLOSE, self._language)})

    def fail(self, sentence: Message | str) -> None:
        """Show why the program cannot start."""
        with suppress(OSError):  # the disk may be full; the sentence is on stderr too
            self._change({"title": say(CANNOT_START, self._language), "text": say(sentence, self._language)})

    def remove(self) -> None:
        """Delete the files."""
        for folder in self._folders:
            with suppress(OSError):
                (folder / "state.js").unlink(missing_ok=True)
                (folder / "window.html").unlink(missing_ok=True)

    def _change(self, state: State) -> None:
        self._state = state
        for folder in self._folders:
            write_private(folder / "state.js", _script(state))


def write_ticket_page(page: Path, language: str, port: int, ticket: str) -> Path:
    """Write a page that opens the portal at once; return its path. Raises OSError."""
    make_private_folder(page.parent)
    write_private(page, _html(language, _to_portal(port, ticket)))
    return page


def write_failure_page(page: Path, language: str, sentence: Message | str) -> Path:
    """Write a page that shows why the program cannot start; return its path. Raises OSError."""
    make_private_folder(page.parent)
    state = {"title": say(CANNOT_START, language), "text": say(sentence, language)}
    write_private(page, _html(language, state))
    return page


def _to_portal(port: int, ticket: str) -> State:
    return {"action": f"http://127.0.0.1:{port}{OPEN}", "ticket": ticket}


def _script(state: State) -> str:
    return f"window.portalState = {json.dumps(state)};\n"


def _html(language: str, state: State) -> str:
    template = Template((_FOLDER / "start.html").read_text(encoding="utf-8"))
    return template.substitute(
        language=language,
        title=say(_STARTS, language),
        icon=_ICON.read_text(encoding="utf-8"),
        state=json.dumps(state).replace("<", "\\u003c"),
    )
