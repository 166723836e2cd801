"""How the person of an account signs in: the sessions, the link to set a password, and wrong passwords."""

from dataclasses import replace
from datetime import datetime

from nicegui import events, ui

from portal.actions.people.password_resets import PasswordLink, make_password_link
from portal.actions.people.sessions import end_one_session, sign_out_everywhere, unlock_sign_in
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.account.profile import SESSION_COLUMNS, session_values
from portal.pages.admin.connect import public_address, say_copied
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation, Dialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, tag
from portal.pages.components.table import Column, data_table
from portal.pages.open_pages import recheck
from portal.rules.messages import message
from portal.views.people.account import AccountDetails, AccountPageView
from portal.views.people.accounts import SessionView, Viewer
from portal.words import _, plural
from portal.words.formats import Formats

_COLUMNS = (
    *SESSION_COLUMNS,
    Column(
        "actions", message("Actions"), classes="s-act num", hidden_label=True, cell=cells.action("end", danger=True)
    ),
)


class SignInCard:
    """The sessions with their buttons, and what helps a person who cannot sign in."""

    def __init__(self, viewer: Viewer, account: AccountDetails, formats: Formats, done: Notice) -> None:
        """Draw the card with an empty table."""
        self._viewer, self._account, self._formats, self._done = viewer, account, formats, done
        with tag("section", "mp-card", aria_label=_("Sign-in"), data_testid="account-sessions"):
            with tag("div", "mp-card__head mp-card__head--table"):
                with tag("div"):
                    Text("h2", _("Sign-in"))
                    Text("p", _("Browsers that are signed in with this account")).classes("mp-card__sub")
                with tag("div", "mp-actions"):
                    self._link = button(_("Password link"), self._make_link, icon="lock")
                    self._all = button(_("Sign out everywhere"), self._ask_all)
            with tag("div", "mp-msg mp-msg--warn mp-locked", data_testid="account-locked") as self._locked:
                icon("lock")
                self._why = Text("div", "")
                button(_("Allow sign-in now"), self._unlock)
            self._locked.set_visibility(False)
            self._table = data_table("sessions", _COLUMNS, test_id="account-sessions-table", label=_("Sessions"))
            self._table.when_empty("user", _("Not signed in"), _("Nobody is signed in with this account at present."))
        self._table.classes("mp-table--ends")
        self._confirmation = Confirmation(_("Cancel"), _("Sign out everywhere"), home=self._link)
        self._shown = PasswordLinkDialog(formats, self._link)
        self._table.on("end", self._end)

    def show(self, view: AccountPageView, now: datetime) -> None:
        """Show newer sessions."""
        f, account = self._formats, view.account
        self._account = account
        self._link.set_visibility(account.is_active)
        self._all.set_visibility(bool(view.sessions))
        self._locked.set_visibility(account.locked_until is not None)
        if account.locked_until is not None:
            end = f.moment(account.locked_until, now)
            self._why.show(_("Too many wrong passwords. New tries are refused until {time}.", time=end))
        self._table.show_rows([self._row(session, now) for session in view.sessions])

    def _row(self, session: SessionView, now: datetime) -> dict[str, object]:
        own = replace(session, is_this=session.id == self._viewer.session_id)
        values = session_values(own, self._formats, now)
        label = _("End the session of {browser}", browser=values["browser"])
        return {**values, "end": _("End"), "end_label": label}

    async def _end(self, event: events.GenericEventArguments) -> None:
        if isinstance(event.args, int):
            actor = self._viewer.actor
            await in_transaction(end_one_session, actor, self._account.id, event.args, utc_now())
            self._done.say(_("The session has been ended."))
            await self._after()

    def _ask_all(self) -> None:
        self._confirmation.ask(
            _("Sign out everywhere?"),
            _("Every browser of this account has to sign in again. Its API keys keep working."),
            self._sign_out,
            code=self._account.username,
        )

    async def _sign_out(self) -> None:
        ended = await in_transaction(sign_out_everywhere, self._viewer.actor, self._account.id, utc_now())
        self._done.say(plural("One session has been ended.", "{count} sessions have been ended.", ended))
        await self._after()

    async def _unlock(self) -> None:
        await in_transaction(unlock_sign_in, self._viewer.actor, self._account.id, utc_now())
        self._done.say(_("Its person may try to sign in again."))
        await self._after()

    async def _make_link(self) -> None:
        made = await in_transaction(make_password_link, self._viewer.actor, self._account.id, utc_now())
        self._shown.open(made, self._account.username)
        await refresh_all(self._viewer.id)

    async def _after(self) -> None:
        await recheck()
        await refresh_all(self._viewer.id)


class PasswordLinkDialog:
    """Shows a link to set a password, the only time it can be seen."""

    def __init__(self, formats: Formats, home: ui.button) -> None:
        """Draw the dialog closed and empty."""
        self._formats = formats
        self._dialog = Dialog(_("Password link"), must_answer=True, home=home)
        with self._dialog.body:
            with tag("div", "mp-secret-row"):
                self._secret = Text("code").classes("mp-secret")
                copy = button(_("Copy link"), kind="primary", icon="copy").props("autofocus")
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                self._about = Text("div", "")
            self._message = Notice()
        with self._dialog.foot:
            button(_("Done"), self._close)
        self._secret.props["data-testid"] = "password-link"
        copy.props["data-copies"] = self._secret.html_id
        ui.on("portal-copied", self._say)

    def open(self, made: PasswordLink, username: str) -> None:
        """Show a link that was just made."""
        self._message.clear()
        self._dialog.context.show(username)
        self._secret.show(f"{public_address().rstrip('/')}{made.path}")
        end = self._formats.exact(made.expires_at)
        text = _(
            "Pass it to this person only: whoever has it sets the password. It works once, until {time}, and is shown "
            "only now. The present password works until then.",
            time=end,
        )
        self._about.show(text)
        self._dialog.open()

    def _close(self) -> None:
        self._secret.client.outbox.message_history.clear()  # NiceGUI keeps what it sent
        self._secret.show("")
        self._dialog.close()

    def _say(self, event: events.GenericEventArguments) -> None:
        say_copied(self._message, event)
