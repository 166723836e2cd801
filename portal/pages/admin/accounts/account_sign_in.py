"""How the person of an account signs in: the sessions, the link to set a password, and wrong passwords."""

from dataclasses import replace
from datetime import datetime

from nicegui import events

from portal.actions.people.password_resets import make_password_link
from portal.actions.people.sessions import end_one_session, sign_out_everywhere, unlock_sign_in
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.account.profile import SESSION_COLUMNS, session_values
from portal.pages.admin.accounts.password_link import PasswordLinkDialog
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation
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
