"""The progress of a change of many rows: a bar, a button that stops it, and what could not be changed.

Decision: the change runs in slices on a thread. Cancelling, or closing the page, stops it after the present row; each
row is changed whole or not at all.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from nicegui.element import Element

from portal.errors import PortalError
from portal.pages.components.inputs.dialogs import Dialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, set_props, tag
from portal.rules.messages import Message
from portal.words import _, say

_SLICE = 10
"""Rows between two looks at the button, and two steps of the bar."""
_FEW = 20
"""Up to so many rows are changed without a dialog, unless some cannot be."""
_SHOWN = 100
"""Problems that are listed."""


class BulkProgress:
    """The dialog of a change; it opens for many rows, or if some could not be changed."""

    def __init__(self, notice: Notice, *, home: Element | None = None) -> None:
        """Draw it closed; the result is shown in `notice`, and `home` gets the focus afterwards."""
        self._notice = notice
        self._is_cancelled = self._is_running = False
        self._dialog = Dialog("", must_answer=True, home=home)
        with self._dialog.body:
            with tag("div", "mp-progress", role="progressbar", aria_valuemin="0", aria_valuemax="100") as self._bar:
                self._done = tag("div")
            self._text = Text("p").props("role=status")
            self._problems = tag("ul", "mp-problems")
        with self._dialog.foot:
            self._button = button(_("Cancel"), self._press)  # only one: Quasar would give a hidden one the focus

    async def run(
        self,
        title: str,
        outcomes: Iterable[tuple[str, Message | None]],
        total: int,
        finished: Callable[[int], str],
    ) -> list[str]:
        """Change rows by reading `outcomes`: the name of each row, and why it could not be changed or None.

        Return the names of rows that could not be changed. `finished` returns the result in words from the number of
        changed rows. An expected failure ends the change.
        """
        self._begin(title, total)
        rows = iter(outcomes)
        done, problems = 0, list[tuple[str, Message]]()
        failure: Message | None = None
        try:
            while not self._is_cancelled and not self._dialog.window.is_deleted:
                part = await asyncio.to_thread(_next, rows)
                if not part:
                    break
                problems += [(name, problem) for name, problem in part if problem is not None]
                done += len(part)
                self._show(done, total)
        except PortalError as error:
            failure = error.sentence
        if not self._dialog.window.is_deleted:
            self._finish(finished(done - len(problems)), problems, failure, is_whole=done >= total)
        return [name for name, _unused in problems]

    def _begin(self, title: str, total: int) -> None:
        self._is_cancelled = False
        self._notice.clear()
        self._dialog.title.show(title)
        set_props(self._bar, aria_label=title)
        self._bar.set_visibility(True)
        self._problems.clear()
        self._problems.set_visibility(False)
        self._button.set_text(_("Cancel"))
        self._is_running = True
        self._show(0, total)
        if total > _FEW:
            self._dialog.open()

    def _show(self, done: int, total: int) -> None:
        share = min(done / total, 1) if total else 1.0
        set_props(self._bar, aria_valuenow=str(round(100 * share)))
        self._done.style(replace=f"--done: {share:.3f}")
        self._text.show(_("{done} of {total}", done=done, total=max(done, total)))

    def _finish(
        self, result: str, problems: list[tuple[str, Message]], failure: Message | None, *, is_whole: bool
    ) -> None:
        if failure is not None:
            problems = [*problems, ("", failure)]
        self._is_running = False
        self._notice.say(result, "warn" if problems or not is_whole else "ok")
        if not problems:
            self._dialog.close()
            return
        self._bar.set_visibility(False)
        self._button.set_text(_("Close"))
        self._text.show(result)
        with self._problems:
            for name, problem in problems[:_SHOWN]:
                text = say(problem)
                Text("li", _("{name}: {problem}", name=name, problem=text) if name else text)
            if len(problems) > _SHOWN:
                Text("li", _("… and {count} more", count=len(problems) - _SHOWN))
        self._problems.set_visibility(True)
        self._dialog.open()

    def _press(self) -> None:
        """Stop the change; when it is over, close the dialog."""
        self._is_cancelled = True
        if not self._is_running:
            self._dialog.close()


def _next(rows: Iterator[tuple[str, Message | None]]) -> list[tuple[str, Message | None]]:
    return list(islice(rows, _SLICE))
