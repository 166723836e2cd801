"""Dialogs that create, rename and revoke API keys."""

from collections.abc import Callable
from datetime import date
from typing import Protocol

from nicegui import events, ui
from nicegui.element import Element

from portal.actions.people.keys import NewKey, create_key, rename_key, revoke_key
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput
from portal.pages.admin.connect import Choice, ConnectionLight, Snippets, public_address, say_copied
from portal.pages.admin.snippets import PROGRAMS, Values
from portal.pages.components.inputs.dialogs import Confirmation, Dialog, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.rules.messages import message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.people.keys import LIFETIMES, KeyStatus, expires_after, last_day_after
from portal.rules.periods import day_of
from portal.views.metering.gateways import NO_REQUEST_YET, load_key_connection
from portal.views.people.accounts import Viewer
from portal.views.people.keys import KeyView, load_keys
from portal.words import _, plural
from portal.words.formats import Formats

_NEVER, _ON_A_DATE = "never", "date"


def _expiries() -> dict[str, str]:
    days = {str(count): plural("In {count} day", "In {count} days", count) for count in LIFETIMES}
    return {_NEVER: _("Never"), **days, _ON_A_DATE: _("On a date")}


class KeyOwner(Protocol):
    """The account of a key: the person who sees the page, or another one whom an administrator helps."""

    @property
    def id(self) -> int:
        """The id of the account."""

    @property
    def username(self) -> str:
        """The user name of the account."""


def _label_hint() -> str:
    return _("Up to 100 characters; only you see it.")


async def _refresh(viewer: Viewer, owner: KeyOwner) -> None:
    """Show a change on the open pages of the person who has made it, and of the owner of the key."""
    for account_id in {viewer.id, owner.id}:
        await refresh_all(account_id)


class CreateKey:
    """Asks for a label and an expiry, and passes the new key to the only dialog that shows it."""

    def __init__(
        self,
        viewer: Viewer,
        formats: Formats,
        show: Callable[[NewKey, str], None],
        owner: KeyOwner | None = None,
    ) -> None:
        """Draw the dialog closed; `show` gets each new key and a line about its expiry."""
        self._viewer = viewer
        self._owner = owner or viewer
        self._formats = formats
        self._show = show
        self._dialog = FormDialog("create-key", _("Create key"), self._create, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            hint = _label_hint() if owner is None else _("Up to 100 characters, such as the name of a program.")
            self._label = form.text("label", _("Label"), hint=hint, placeholder=_("laptop or ci-agents"))
            self._expiry = form.choice("expiry", _("Expires"), _expiries(), _NEVER)
            self._date = form.text("expires_at", _("Last day"), kind="date")
            form.says()
        self._dialog.buttons(_("Create key"))
        set_props(self._label.control, autofocus=True, autocomplete="off")
        self._expiry.control.on_value_change(self._explain)
        self._date.control.on_value_change(self._explain)
        self._explain()

    def open(self) -> None:
        """Open the dialog with empty fields."""
        self._label.fill("")
        self._expiry.fill(_NEVER)
        self._date.fill("")
        set_props(self._date.control, min=self._today().isoformat())
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    def _explain(self) -> None:
        """Write the chosen expiry below the field."""
        self._date.element.set_visibility(self._expiry.text == _ON_A_DATE)
        try:
            last = self._last_day()
        except InvalidInput:
            last = None
        if last:
            day, zone = self._formats.long_day(last), self._formats.zone.key
            hint = _("Works until the end of {day}, {zone}.", day=day, zone=zone)
        elif self._expiry.text == _ON_A_DATE:
            hint = _("After that day the key stops working; its history stays.")
        else:
            hint = _("Works until you revoke it.")
        self._expiry.hint(hint)

    async def _create(self) -> str:
        now, last = utc_now(), self._last_day()
        expires_at = expires_after(last, self._formats.zone) if last else None
        actor, owner = self._viewer.actor, self._owner.id
        made = await in_transaction(create_key, actor, owner, self._label.text, expires_at, now)
        self._dialog.close()
        self._show(made, self._expiry_of(last))
        await _refresh(self._viewer, self._owner)
        return ""

    def _last_day(self) -> date | None:
        """Return the last day on which the key works; None means no expiry. Raises InvalidInput."""
        choice = self._expiry.text
        if choice in map(str, LIFETIMES):
            return last_day_after(int(choice), utc_now(), self._formats.zone)
        if choice != _ON_A_DATE:
            return None
        if not self._date.text:
            raise InvalidInput(message("Choose the last day on which the key works."), "expires_at")
        try:
            return parse_day(self._date.text, "expires_at")
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "expires_at") from error

    def _expiry_of(self, last: date | None) -> str:
        return _("works until the end of {day}", day=self._formats.day(last)) if last else _("no expiry")

    def _today(self) -> date:
        return day_of(utc_now(), self._formats.zone)


class NewKeyDialog:
    """Shows a new key once, with snippets to use it; after it is closed, the server has the key nowhere."""

    def __init__(self, viewer: Viewer, formats: Formats, home: Element, owner: KeyOwner | None = None) -> None:
        """Draw the dialog closed and empty; only its buttons close it, then `home` gets the focus."""
        self._viewer = viewer
        self._owner = owner or viewer
        self._made: NewKey | None = None
        self._dialog = Dialog(_("Key created"), must_answer=True, home=home)
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            with tag("div", "mp-secret-row"):
                self._secret = Text("code").classes("mp-secret")
                self._copy = button(_("Copy key"), kind="primary", icon="copy").props("autofocus")
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                Text("div", _("Copy it now. It is not stored and cannot be shown again."))
            names = {key: kind.name for key, kind in PROGRAMS.items()}
            self._kind = Choice(_("How the key is used"), names, next(iter(names)), self._show_kind)
            self._snippets = Snippets()
            self._message = Notice()
            self._light = ConnectionLight(formats)
        with self._dialog.foot:
            button(_("I have copied it"), self._close)
        self._secret.props["data-testid"] = "new-key"
        self._copy.props["data-copies"] = self._secret.html_id
        ui.on("portal-copied", self._say)

    def open(self, made: NewKey, expiry: str) -> None:
        """Show a key that has just been created."""
        self._made = made
        self._dialog.context.show(f"{made.label} · {expiry}")
        self._secret.show(made.secret)
        self._show_kind(self._kind.chosen)
        self._message.clear()
        self._dialog.open()
        self._light.watch(lambda: in_reading(load_key_connection, self._owner.id, made.id), NO_REQUEST_YET)

    def _show_kind(self, kind: str) -> None:
        if self._made is not None:
            values = Values(public_address(), self._made.secret, username=self._owner.username)
            self._snippets.show(PROGRAMS[kind], values)

    async def _close(self) -> None:
        self._made = None
        self._light.stop()
        self._secret.client.outbox.message_history.clear()  # NiceGUI keeps sent messages for browsers that reconnect
        self._secret.show("")
        self._snippets.clear()
        self._dialog.close()
        await _refresh(self._viewer, self._owner)  # the key may have been used while the dialog was open

    def _say(self, event: events.GenericEventArguments) -> None:
        """Show whether the browser has copied the text; frame.js copies it."""
        say_copied(self._message, event)


class RenameKey:
    """Asks for another label."""

    def __init__(self, viewer: Viewer) -> None:
        """Draw the dialog closed."""
        self._viewer = viewer
        self._key: KeyView | None = None
        self._dialog = FormDialog("label", _("Edit label"), self._rename, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            self._label = form.text("label", _("Label"), hint=_label_hint())
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._label.control, autofocus=True, autocomplete="off")

    def open(self, key: KeyView) -> None:
        """Ask for another label of this key."""
        self._key = key
        self._dialog.context.show(f"{key.prefix}…")
        self._label.fill(key.label)
        self._dialog.begin(str(key.id))

    async def _reopen(self, key_id: str) -> None:
        view = await in_reading(load_keys, self._viewer.id, utc_now())
        for key in view.keys:
            if str(key.id) == key_id and key.status is KeyStatus.ACTIVE:
                self.open(key)

    async def _rename(self) -> str:
        if self._key is not None and self._label.text != self._key.label:
            actor, label = self._viewer.actor, self._label.text
            await in_transaction(rename_key, actor, self._viewer.id, self._key.id, label, utc_now())
        self._dialog.close()
        await refresh_all(self._viewer.id)
        return ""


class RevokeKey:
    """Asks before a key is revoked, which cannot be undone."""

    def __init__(self, viewer: Viewer, done: Notice, home: Element, owner: KeyOwner | None = None) -> None:
        """Draw the dialog closed; after revoking, `done` shows a message and `home` gets the focus."""
        self._viewer = viewer
        self._owner = owner or viewer
        self._done = done
        self._confirmation = Confirmation(_("Keep key"), _("Revoke key"), home=home)

    def open(self, key: KeyView) -> None:
        """Ask whether this key is to be revoked."""

        async def revoke() -> None:
            await in_transaction(revoke_key, self._viewer.actor, self._owner.id, key.id, utc_now())
            self._done.say(_("“{key}” has been revoked. Gateways refuse it from now on.", key=key.label))
            await _refresh(self._viewer, self._owner)

        self._done.clear()
        self._confirmation.ask(
            _("Revoke “{key}”?", key=key.label),
            _(
                "Programs using this key stop working at once. Its past requests stay in your history. "
                "This cannot be undone."
            ),
            revoke,
            code=f"{key.prefix}…",
        )
