"""Dialogs: one question, one primary action at the right; Escape closes, and the focus goes back where it was.

Decision: a dialog is drawn once with its page, outside of whatever is refreshed, and opened with newer texts in it. So
a refresh never closes it, and nobody waits for an answer on the server after the tab has gone.

Decision: whoever types has a `FormDialog`. All ways out of it lead through `leave`, which asks when there is something
to lose. The server decides that: it hears of each key before it hears of Escape.
"""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.element import Element

from portal.errors import NotSignedIn, PortalError
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form, Message
from portal.pages.components.parts import Text, button, set_props, tag
from portal.words import _, say

_FOCUS_IF_LOST = "() => document.activeElement === document.body && document.getElementById('%s')?.focus()"

_FOCUS_IF_OUTSIDE = """() => {
  const safe = document.getElementById('%s');
  if (!safe?.closest('.q-dialog').contains(document.activeElement)) safe?.focus();
}"""
"""Quasar shakes a dialog that must be answered, and takes the focus back into it a moment after the question has it."""


class Dialog:
    """A window over the page: a title, one line of context, a body and a foot, both to be filled."""

    def __init__(
        self,
        title: str = "",
        *,
        must_answer: bool = False,
        home: Element | None = None,
    ) -> None:
        """Draw it closed; `must_answer` leaves only its buttons as ways out.

        `home` gets the focus when what had it before is gone, as a button in a row that has been deleted; else the
        page's content does, as after a draft that a fresh page has opened by itself.
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

    def _draw_room(self, title: str) -> Element:  # noqa: ARG002  # a form is called by it
        """Draw the element around everything else."""
        return ui.element("div")

    def open(self) -> None:
        """Show it."""
        self.window.open()

    def close(self) -> None:
        """Put it away."""
        self.window.close()

    def leave(self) -> None:
        """Close it and change nothing, as Escape does."""
        self.close()

    def cancel(self, text: str = "") -> ui.button:
        """Draw the button that closes it and changes nothing."""
        return button(text or _("Cancel"), self.leave)


class Confirmation(Dialog):
    """Asks before something that cannot be undone; the safe answer has the focus."""

    def __init__(self, safe: str, danger: str, *, home: Element | None = None) -> None:
        """Call the two answers `safe` and `danger`."""
        super().__init__(home=home)
        self._act: Callable[[], Awaitable[None]] | None = None
        with self.body:
            self.question = Text("p").classes("mp-muted")
            self._message = Message()
        with self.foot:
            keep = self.cancel(safe).props("autofocus")
            self._danger = button(danger, self._answer, kind="danger-fill")
        self.window.on("show", js_handler=_FOCUS_IF_OUTSIDE % keep.html_id)

    def ask(self, title: str, question: str, act: Callable[[], Awaitable[None]], *, code: str = "") -> None:
        """Open with a question, and call `act` when the dangerous answer is given. `code` names what it is about."""
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
    """A dialog to type into: it asks before it throws away what was typed, which survives a restart of the server."""

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
        # drawn first: it closes first, and gives the focus back
        self._discarding = Confirmation(_("Keep writing"), _("Discard"))
        self._discarding.window.classes("mp-narrow")
        super().__init__(title, must_answer=True, home=home)
        self.draft = Draft(name, self.form, reopen)
        self.window.classes("mp-asks").on("shake", self.leave, args=[])

    def _draw_room(self, title: str) -> Element:
        self.form = Form(self._save, name=title)
        return self.form.element

    def begin(self, subject: str = "") -> None:
        """Show it with the present values of its fields; `subject` names the thing that is edited."""
        self.form.forget()
        self.draft.begin(subject)
        self.open()

    def close(self) -> None:
        """Put it away; what was typed is saved or not wanted."""
        self.draft.end()
        super().close()

    def leave(self) -> None:
        """Close it, and ask before if something was typed."""
        if self.draft.is_typed:
            self._discarding.ask(_("Discard what you typed?"), _("It has not been saved."), self._discard)
        else:
            self.close()

    async def _discard(self) -> None:
        self.close()
