"""Dialogs: one question, one primary action at the right. Escape closes a dialog, and the focus returns.

Decision: a dialog is drawn once with its page, outside of refreshed elements, and its texts change when it opens. So a
refresh never closes it, and the server does not wait for an answer after the tab was closed.

Decision: a dialog with text fields is a `FormDialog`; a field of the type `search` needs none, since nothing is lost
there. Everything that closes it calls `leave`, which asks if typed text would be lost. The server decides that: key
presses arrive before Escape.
"""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.element import Element

from portal.errors import NotSignedIn, PortalError
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form, Notice
from portal.pages.components.parts import Text, button, set_props, tag
from portal.words import _, say

_FOCUS_IF_LOST = "() => document.activeElement === document.body && document.getElementById('%s')?.focus()"

_FOCUS_IF_OUTSIDE = """() => {
  const safe = document.getElementById('%s');
  if (!safe?.closest('.q-dialog').contains(document.activeElement)) safe?.focus();
}"""
"""Quasar shakes a dialog that must be answered, and moves the focus back into it after the question got it."""


class Dialog:
    """A window over the page: a title, one line of context, and an empty body and foot for other elements."""

    def __init__(
        self,
        title: str = "",
        *,
        must_answer: bool = False,
        home: Element | None = None,
    ) -> None:
        """Draw it closed; with `must_answer` only its buttons close it.

        When it closes, the element that had the focus before gets it back. If that was deleted, as a button of a
        deleted row, or if there was none, `home` gets the focus, or without `home` the content of the page.
        """
        with ui.dialog() as self.window, tag("div", "q-card mp-dialog"):
            with self._draw_room(title):
                with tag("div", "mp-dialog__head"), ui.element("div"):
                    self.title = Text("h2", title)
                    self.context = Text("p").classes("mp-card__sub")
                self.body = tag("div", "mp-dialog__body")
                self.foot = tag("div", "mp-dialog__foot")
        set_props(self.window, aria_labelledby=self.title.html_id, persistent=must_answer)
        self.window.on("hide", js_handler=_FOCUS_IF_LOST % (home.html_id if home else "main"))

    def _draw_room(self, title: str) -> Element:  # noqa: ARG002  # the name of the form in `FormDialog`
        """Draw the element around everything else."""
        return ui.element("div")

    def open(self) -> None:
        """Open the window."""
        self.window.open()

    def close(self) -> None:
        """Close it without a question."""
        self.window.close()

    def leave(self) -> None:
        """Close it without a change, as Escape does."""
        self.close()

    def cancel(self, text: str = "") -> ui.button:
        """Draw the button that closes it without a change."""
        return button(text or _("Cancel"), self.leave)


class Confirmation(Dialog):
    """Asks before an action that cannot be undone; the safe answer has the focus."""

    def __init__(self, safe: str, danger: str, *, home: Element | None = None) -> None:
        """Draw it closed; `safe` and `danger` are the texts of the two answers."""
        super().__init__(home=home)
        self._act: Callable[[], Awaitable[None]] | None = None
        with self.body:
            self.question = Text("p").classes("mp-muted")
            self._message = Notice()
        with self.foot:
            keep = self.cancel(safe).props("autofocus")
            self._danger = button(danger, self._answer, kind="danger-fill")
        self.window.on("show", js_handler=_FOCUS_IF_OUTSIDE % keep.html_id)

    def ask(self, title: str, question: str, act: Callable[[], Awaitable[None]], *, code: str = "") -> None:
        """Open with a question; the dangerous answer calls `act`. `code` is shown below the title."""
        self._act = act
        self.title.show(title)
        self.context.show(code)
        self.context.classes("mp-mono")
        self.question.show(question)
        self._message.clear()
        self.open()

    async def _answer(self) -> None:
        act, self._act = self._act, None
        if act is None:
            return  # a second click while the first one works
        set_props(self._danger, loading=True)
        try:
            await act()
        except NotSignedIn:
            raise
        except PortalError as error:
            self._act = act
            self._message.say(say(error.sentence), "crit")
        else:
            self.close()
        finally:
            set_props(self._danger, loading=False)


class FormDialog(Dialog):
    """A dialog with a form. It asks before typed text is lost; typed text survives a restart of the server."""

    form: Form

    def __init__(
        self,
        name: str,
        title: str,
        save: Callable[[], Awaitable[str]],
        *,
        reopen: Callable[[str], Awaitable[None]],
        home: Element | None = None,
    ) -> None:
        """Draw it closed; `save` is the form's, `name` and `reopen` are those of its draft."""
        self._save = save
        # drawn first, so that it closes first and returns the focus
        self._discarding = Confirmation(_("Keep writing"), _("Discard"))
        self._discarding.window.classes("mp-narrow")
        super().__init__(title, must_answer=True, home=home)
        self.draft = Draft(name, self.form, reopen)
        self.window.classes("mp-asks").on("shake", self.leave, args=[])

    def _draw_room(self, title: str) -> Element:
        self.form = Form(self._save, name=title)
        return self.form.element

    def buttons(self, save: str) -> None:
        """Draw Cancel, and the button that sends the form."""
        with self.foot:
            self.cancel()
            self.form.submit(save)

    def begin(self, subject: str = "") -> None:
        """Open it with the present values of its fields; `subject` names the edited thing."""
        self.form.forget()
        self.draft.begin(subject)
        self.open()

    def close(self) -> None:
        """Close it without a question, and end the draft."""
        self.draft.end()
        super().close()

    def leave(self) -> None:
        """Close it; ask before if text was typed."""
        if self.draft.is_typed:
            self._discarding.ask(_("Discard what you typed?"), _("It has not been saved."), self._discard)
        else:
            self.close()

    async def _discard(self) -> None:
        self.close()
