"""Drafts: typed text of a form that is not saved yet. It survives a restart of the server.

Decision: the tab keeps the text in `sessionStorage` while it is typed. So it works while the server is down, no
unfinished text is on the server's disk, and a draft ends with its tab. A draft belongs to the session in which it was
typed, so nobody else sees it, and the sign-in form deletes it. The draft also has the values that were stored when
typing started: if other values have been saved since, the form says so before it replaces them. Secrets are not kept.
`drafts.js` is the part in the browser. It asks before a page is left; a person who leaves it discards the draft.
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
"""Most characters of a field that are read from a browser's draft."""
_AGAIN = message("You typed this before the page was loaded again. It is not saved yet.")
_CHANGED = message(
    "Something else has been saved here since you typed this. Save to replace it, or discard what you typed to see it."
)


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A draft from the browser: the name of its form, its subject, the values stored then, and the typed ones."""

    name: str
    subject: str
    was: dict[str, str]
    values: dict[str, str]


class Draft:
    """The draft of one form."""

    def __init__(self, name: str, form: Form, reopen: Callable[[str], Awaitable[None]] | None = None) -> None:
        """Keep the text typed into `form`, under a `name` that no other form of the page has.

        `reopen` shows the form again for the subject that `begin` got, or does nothing if the subject does not exist
        any more. Without `reopen` the form is part of the page, and its present values are the stored ones.
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
            # a form drawn later than its page, even before the page connects, misses what the page sends at first
            ui.run_javascript(f"window.portalDrafts?.restore({json.dumps(name)})")

    @property
    def is_open(self) -> bool:
        """Return whether a person may be typing: `begin` was called, and `end` was not."""
        return self._was is not None

    @property
    def is_typed(self) -> bool:
        """Return whether a person has changed a value since the last `begin`."""
        return self.is_open and self._form.values != self._was

    def begin(self, subject: str = "") -> None:
        """Start with the present values of the fields as the stored ones of `subject`."""
        self._was = self._form.values
        set_props(self._form.element, data_subject=subject, data_was=json.dumps(self._form.plain_values))

    def end(self) -> None:
        """End the draft, and delete it in the browser."""
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

    def _fill_over(self, kept: StoredDraft) -> None:
        """Fill a dialog with a draft; say so if other values have been stored since. It can still be discarded."""
        if not self.is_open:  # its subject does not exist any more
            self.end()
            return
        is_same = kept.was == self._form.plain_values
        self._fill(kept.values, *((_AGAIN, "info") if is_same else (_CHANGED, "warn")))

    def _fill_beside(self, kept: StoredDraft) -> None:
        """Fill a form of the page with a draft, except fields with a stored value that has changed since."""
        if not self.is_typed:
            stored = self._form.plain_values
            self._fill({name: text for name, text in kept.values.items() if kept.was.get(name) == stored.get(name)})

    def _fill(self, values: dict[str, str], sentence: Message = _AGAIN, kind: str = "info") -> None:
        self._form.fill(values)
        if self._form.message and self.is_typed:
            self._form.message.say(say(sentence), kind)


def _read(sent: object) -> StoredDraft | None:
    """Return a draft from a browser's message; None for any other message."""
    if not isinstance(sent, dict):
        return None
    name, subject, was, values = (sent.get(key) for key in ("name", "subject", "was", "values"))
    if not (isinstance(name, str) and isinstance(subject, str) and isinstance(was, dict) and isinstance(values, dict)):
        return None
    return StoredDraft(name, subject, _texts(was), _texts(values))


def _texts(sent: dict[object, object]) -> dict[str, str]:
    return {str(name): text[:_LONGEST] for name, text in sent.items() if isinstance(text, str)}
