"""Drafts: text that is typed into a form and not saved yet, which survives a restart of the server.

Decision: the tab keeps it, in `sessionStorage`, as it is typed. The server need not be there for that, no half-typed
text reaches a disk of ours, and it ends with the tab. A draft belongs to the session in which it was typed, so nobody
else sees it, and the sign-in form clears it. What was stored when the person began is kept beside it: what has been
saved elsewhere since is never replaced in silence. Secrets are not kept; `drafts.js` does the browser's part: it also
asks before a page is left, and whoever leaves it then has discarded what was typed.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nicegui import ui
from nicegui.events import GenericEventArguments

from portal.pages.components.inputs.fields import Form
from portal.pages.components.parts import set_props
from portal.rules.messages import Message, message
from portal.words import say

_LONGEST = 20_000
"""Characters of a field that are taken back from a browser."""
_AGAIN = message("You typed this before the page was loaded again. It is not saved yet.")
_CHANGED = message(
    "Something else has been saved here since you typed this. Save to replace it, or discard what you typed to see it."
)


@dataclass(frozen=True, slots=True)
class Kept:
    """A draft as the browser has kept it: of which form, about what, what was stored then, and what was typed."""

    name: str
    subject: str
    was: dict[str, str]
    values: dict[str, str]


class Draft:
    """The draft of one form."""

    def __init__(self, name: str, form: Form, reopen: Callable[[str], Awaitable[None]] | None = None) -> None:
        """Keep the text typed into `form`, under a `name` that no other form of the page has.

        `reopen` shows the form again for the subject with which `begin` was called, or does nothing when that is gone.
        Without it the form is part of the page, and its present values are the stored ones.
        """
        self._name = name
        self._form = form
        self._reopen = reopen
        self._was: dict[str, str] | None = None
        set_props(form.element, data_draft=name)
        ui.on("portal-draft", self._restore)
        if reopen is None:
            self.begin()
            form.on_saved(self.begin)
            if ui.context.client.has_socket_connection:  # drawn after the page, which has asked for drafts already
                ui.run_javascript("window.portalDrafts?.restore()")

    @property
    def is_open(self) -> bool:
        """Say whether somebody may be typing: it has begun, and not ended."""
        return self._was is not None

    @property
    def is_typed(self) -> bool:
        """Say whether something has been typed since the last `begin`."""
        return self.is_open and self._form.values != self._was

    def begin(self, subject: str = "") -> None:
        """Take the present values of the fields for the stored ones of `subject`."""
        self._was = self._form.values
        set_props(self._form.element, data_subject=subject, data_was=json.dumps(self._form.plain_values))

    def end(self) -> None:
        """Nothing is being typed any more; the browser forgets it as well."""
        self._was = None
        self._form.element.props.pop("data-was", None)
        self._form.element.update()
        ui.run_javascript(f"window.portalDrafts?.forget({json.dumps(self._name)})")

    async def _restore(self, event: GenericEventArguments) -> None:
        kept = _read(event.args)
        if kept is None or kept.name != self._name:
            return
        if self._reopen is None:
            self._fill_beside(kept)
        elif not self.is_open:
            await self._reopen(kept.subject)
            self._fill_over(kept)

    def _fill_over(self, kept: Kept) -> None:
        """Put a draft into a dialog, and say when something else is stored by now; it can still be discarded."""
        if not self.is_open:  # what it was about is gone
            self.end()
            return
        is_same = kept.was == self._form.plain_values
        self._fill(kept.values, *((_AGAIN, "info") if is_same else (_CHANGED, "warn")))

    def _fill_beside(self, kept: Kept) -> None:
        """Put a draft into a form of the page, but not over what has been saved since."""
        if not self.is_typed:
            stored = self._form.plain_values
            self._fill({name: text for name, text in kept.values.items() if kept.was.get(name) == stored.get(name)})

    def _fill(self, values: dict[str, str], sentence: Message = _AGAIN, kind: str = "info") -> None:
        self._form.fill(values)
        if self._form.message and self.is_typed:
            self._form.message.say(say(sentence), kind)


def _read(sent: object) -> Kept | None:
    """Read what a browser sends; None for anything that is no draft."""
    if not isinstance(sent, dict):
        return None
    name, subject, was, values = (sent.get(key) for key in ("name", "subject", "was", "values"))
    if not (isinstance(name, str) and isinstance(subject, str) and isinstance(was, dict) and isinstance(values, dict)):
        return None
    return Kept(name, subject, _texts(was), _texts(values))


def _texts(sent: dict[object, object]) -> dict[str, str]:
    return {str(name): text[:_LONGEST] for name, text in sent.items() if isinstance(text, str)}
