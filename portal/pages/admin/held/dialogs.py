"""The dialogs of held events: what was reported, assigning to an account, and dismissing."""

import json
from collections.abc import Callable, Iterator

from portal.actions.metering.held import (
    LONGEST_REASON,
    Settle,
    assigning,
    clean_reason,
    dismissing,
    matching_numbers,
    settle_many,
)
from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.errors import InvalidInput, NotFound
from portal.pages.components.bulk.chosen import ChosenRows
from portal.pages.components.inputs.dialogs import Dialog, FormDialog
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.rules.lists import ListFilter
from portal.rules.messages import Message
from portal.rules.metering.held_list import UNATTRIBUTED
from portal.views.metering.held import HeldRow, load_held_body
from portal.views.people.accounts import Viewer, find_account
from portal.words import _, plural, say
from portal.words.formats import Formats
from portal.words.labels import HELD_REASONS_EXPLAINED


class Settling(ChosenRows):
    """Settles the events that were chosen when a dialog opened, and shows the result."""

    async def run(self, title: str, settle: Settle, finished: Callable[[int], str]) -> None:
        """Settle the events; `finished` returns the result in words."""
        problems = await self._progress.run(title, self._outcomes(settle), self.count, finished)
        await self._after([int(number) for number in problems])

    def _outcomes(self, settle: Settle) -> Iterator[tuple[str, Message | None]]:
        numbers = matching_numbers(self.viewer.actor, self.wanted) if self.ids is None else self.ids
        return ((str(each.number), each.problem) for each in settle_many(numbers, settle, utc_now))


class AssignHeld:
    """Asks for the account for which events count."""

    def __init__(self, settling: Settling) -> None:
        """Draw the dialog closed."""
        self._settling = settling
        self._dialog = FormDialog("assign-held", _("Assign to an account"), self._assign, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _("Each event counts once, in the periods in which it was requested, with the price of that time.")
            Text("p", about).classes("mp-muted")
            self._account = form.text("account", _("Account"), hint=_("User name or email address"), autocomplete="off")
            form.says()
        self._dialog.buttons(_("Assign"))
        set_props(self._account.control, autofocus=True, spellcheck="false")

    def open(self, numbers: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Ask for the account of these events."""
        self._settling.choose(numbers, count, wanted)
        self._account.fill("")
        self._dialog.context.show(plural("{count} event", "{count} events", count))
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        """Do nothing: after a reload of the page nothing is chosen."""

    async def _assign(self) -> str:
        try:
            account = await in_reading(find_account, self._account.text.strip())
        except NotFound as error:
            raise InvalidInput(error.sentence, "account") from None
        name = account.username
        self._dialog.close()
        await self._settling.run(
            _("Assigning to {username}", username=name),
            assigning(self._settling.viewer.actor, account.id),
            lambda done: plural(
                "{count} event counts for {username} now.",
                "{count} events count for {username} now.",
                done,
                username=name,
            ),
        )
        return ""


class DismissHeld:
    """Asks why events are not counted."""

    def __init__(self, settling: Settling) -> None:
        """Draw the dialog closed."""
        self._settling = settling
        self._dialog = FormDialog("dismiss-held", _("Dismiss"), self._dismiss, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _("They are not counted for anybody. The portal keeps them under “Settled”.")
            Text("p", about).classes("mp-muted")
            hint = _("For the audit log; may stay empty")
            self._reason = form.text("reason", _("Reason"), hint=hint, maxlength=LONGEST_REASON, autocomplete="off")
            form.says()
        self._dialog.buttons(_("Dismiss"))
        set_props(self._reason.control, autofocus=True)

    def open(self, numbers: list[int] | None, count: int, wanted: ListFilter) -> None:
        """Ask for the reason."""
        self._settling.choose(numbers, count, wanted)
        self._reason.fill("")
        self._dialog.context.show(plural("{count} event", "{count} events", count))
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        """Do nothing: after a reload of the page nothing is chosen."""

    async def _dismiss(self) -> str:
        reason = clean_reason(self._reason.text)
        self._dialog.close()
        await self._settling.run(
            _("Dismissing"),
            dismissing(self._settling.viewer.actor, reason),
            lambda done: plural("{count} event was dismissed.", "{count} events were dismissed.", done),
        )
        return ""


class HeldBody:
    """Shows what was reported, and why it is held."""

    def __init__(self, viewer: Viewer, formats: Formats, assigning: AssignHeld, dismissing: DismissHeld) -> None:
        """Draw the dialog closed; its buttons open the others."""
        self._viewer, self._formats = viewer, formats
        self._row: HeldRow | None = None
        self._dialog = Dialog(_("Held event"))
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            with tag("div", "mp-msg mp-msg--info"):
                icon("info")
                self._why = Text("div")
            self._body = Text("pre").classes("mp-code")
        set_props(self._body, tabindex="0", role="region", aria_label=_("Report as JSON"))
        with self._dialog.foot:
            self._dialog.cancel(_("Close"))
            self._dismiss = button(_("Dismiss"), lambda: self._settle(dismissing.open))
            self._assign = button(_("Assign"), lambda: self._settle(assigning.open), kind="primary")

    async def open(self, row: HeldRow) -> None:
        """Open it with an event."""
        self._row = row
        body = await in_reading(load_held_body, self._viewer.actor, row.number)
        when = self._formats.exact(row.received_at)
        self._dialog.context.show(_("{gateway}, received {when}", gateway=row.gateway, when=when))
        self._why.show(say(HELD_REASONS_EXPLAINED[row.reason]))
        self._body.show(json.dumps(body, ensure_ascii=False, indent=2))
        self._assign.set_visibility(row.settled_at is None and row.reason == UNATTRIBUTED)
        self._dismiss.set_visibility(row.settled_at is None)
        self._dialog.open()

    def _settle(self, open_other: Callable[[list[int], int, ListFilter], None]) -> None:
        row = self._row
        self._dialog.close()
        if row is not None:
            open_other([row.number], 1, ListFilter())
