"""Dialogs: one question, one primary action at the right; Escape closes, and the focus goes back where it was.

Decision: a dialog is drawn once with its page, outside of whatever is refreshed, and opened with newer texts in it. So
a refresh never closes it, and nobody waits for an answer on the server after the tab has gone.
"""

from collections.abc import Awaitable, Callable

from nicegui import ui
from nicegui.element import Element

from portal.errors import NotSignedIn, PortalError
from portal.pages.components.fields import Form, Message
from portal.pages.components.parts import Text, button, set_props, tag

_FOCUS_IF_LOST = "() => document.activeElement === document.body && document.getElementById('%s')?.focus()"


class Dialog:
    """A window over the page: a title, one line of context, a body and a foot, both to be filled."""

    def __init__(
        self,
        title: str = "",
        *,
        save: Callable[[], Awaitable[str]] | None = None,
        must_answer: bool = False,
        home: Element | None = None,
    ) -> None:
        """Draw it closed. With `save` it is a form; `must_answer` leaves only its buttons as ways out.

        `home` gets the focus when what had it before is gone, as a button in a row that has been deleted.
        """
        with ui.dialog() as self.window, tag("div", "q-card mp-dialog"):
            self.form = Form(save, name=title) if save else None
            with self.form.element if self.form else ui.element("div"):
                with tag("div", "mp-dialog__head"), ui.element("div"):
                    self.title = Text("h2", title)
                    self.context = Text("p").classes("mp-card__sub")
                self.body = tag("div", "mp-dialog__body")
                self.foot = tag("div", "mp-dialog__foot")
        set_props(self.window, aria_labelledby=self.title.html_id, persistent=must_answer)
        if home is not None:
            self.window.on("hide", js_handler=_FOCUS_IF_LOST % home.html_id)

    def open(self) -> None:
        """Show it."""
        self.window.open()

    def close(self) -> None:
        """Put it away."""
        self.window.close()

    def cancel(self, text: str = "Cancel") -> ui.button:
        """Draw the button that closes it and changes nothing."""
        return button(text, self.close)


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
            self.cancel(safe).props("autofocus")
            self._danger = button(danger, self._answer, kind="danger-fill")

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
            self._message.say(error.detail, "crit")
        else:
            self.close()
        finally:
            set_props(self._danger, loading=False)
