"""Profile: name, email, time zone, formats, theme, password and sessions of the signed-in account.

In the desktop program, where nobody signs in: name, time zone, formats and theme, the own budgets and price, and what
the program does on this computer.
"""

import asyncio
from datetime import datetime
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from portal.actions.people.accounts import Profile, change_password, change_profile
from portal.actions.people.sessions import sign_out_others
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import InvalidInput
from portal.pages.account.backup.card import BackupCard
from portal.pages.account.computer import ComputerCard
from portal.pages.account.notifications.card import NotificationsCard
from portal.pages.account.own_limits import BudgetsForm, PriceForm
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form, Notice, choice_field
from portal.pages.components.live import follow_later, live, refresh_all
from portal.pages.components.parts import Text, button, icon, known_facts, tag
from portal.pages.components.shell.frame import ThemeSwitch, frame
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import PROFILE
from portal.pages.open_pages import recheck
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.people.accounts import Role, Theme
from portal.rules.people.browsers import browser_name
from portal.rules.periods import zone_names
from portal.rules.text import MIN_PASSWORD
from portal.settings import settings
from portal.system import autostart
from portal.views.notifications import load_notifications
from portal.views.people.accounts import ProfileView, SessionView, Viewer, load_profile
from portal.views.spending.own_limits import load_own_limits
from portal.web.visitors import SignedIn
from portal.words import _, plural, say
from portal.words.formats import Formats
from portal.words.labels import LANGUAGES, ROLES, THEMES

router = PageRouter()

SESSION_COLUMNS = (
    Column(
        "browser",
        message("Browser"),
        classes="s-browser",
        attributes=cells.exact("user_agent"),
        cell=cells.span(
            cells.name("browser", flows=True) + cells.badge(cells.text("badge"), "accent", given="is_this"), "s-name"
        ),
    ),
    Column("address", message("Address"), classes="s-address"),
    Column("since", message("Signed in"), classes="s-since", attributes=cells.exact("since_exact")),
    Column("seen", message("Last seen"), classes="s-seen", attributes=cells.exact("seen_exact")),
)


@router.page(PROFILE.path)
async def profile_page(viewer: SignedIn, saved: str = "", restored: str = "") -> None:
    """Show the signed-in account the settings that it may change."""
    if settings().is_desktop:
        await show_desktop_profile(viewer, saved=saved == "1", restored=restored == "1")
        return
    formats = Formats.of(viewer)

    async def load() -> ProfileView:
        return await in_reading(load_profile, viewer, utc_now())

    stored = await in_reading(load_notifications, viewer.id, viewer.role, viewer.email)
    with frame(PROFILE, viewer) as head:
        updated = head.updated(only_stale=True)
        with tag("div", "mp-two"):
            about = AboutForm(viewer, head.theme)
            PasswordForm(viewer)
        notifications = NotificationsCard(viewer, formats, stored)
        sessions = SessionsTable(viewer, formats)
        draw_own_data()
        if saved == "1":
            about.say_saved()
        await live(("profile", viewer.id, viewer.session_id), load, sessions.show, updated)
        follow_later(("notifications", viewer.id), notifications.load, notifications.show)


async def show_desktop_profile(viewer: Viewer, *, saved: bool, restored: bool) -> None:
    """Show the person of the desktop program the values that they may set."""
    formats = Formats.of(viewer)
    own = await in_reading(load_own_limits, viewer.id, utc_now())
    starts = await asyncio.to_thread(autostart.is_on)
    with frame(PROFILE, viewer) as head:
        with tag("div", "mp-two"):
            about = AboutForm(viewer, head.theme)
            BudgetsForm(viewer, formats, own)
        with tag("div", "mp-two"):
            ComputerCard(viewer, starts=starts, notifies=own.on_desktop)
            PriceForm(viewer, formats, own)
        backup = BackupCard(viewer, formats)
        if saved:
            about.say_saved()
        if restored:
            backup.say_restored()


def draw_own_data() -> None:
    """Draw the card with the link to everything that the portal holds of the person."""
    with tag("section", "mp-card", aria_label=_("Your data"), data_testid="own-data"):
        with tag("div", "mp-card__head mp-card__head--table"):
            with ui.element("div"):
                Text("h2", _("Your data"))
                about = _(
                    "Everything that the portal holds of you, in one ZIP file: requests, notes, keys, mails and more."
                )
                Text("p", about).classes("mp-card__sub")
            with tag("a", "mp-btn", href="/user/api/export", download=""):
                icon("export")
                Text("span", _("Download my data"))


class AboutForm:
    """Name, email, time zone and formats, saved together. The theme applies as soon as it is chosen."""

    def __init__(self, viewer: Viewer, theme: ThemeSwitch) -> None:
        """Draw the form with the stored values."""
        self._viewer = viewer
        self._theme = theme
        with tag("section", "mp-card", data_testid="profile-form", aria_label=_("About you")):
            with tag("div", "mp-card__head"):
                Text("h2", _("About you"))
            with Form(self._save, name=_("About you")) as self._form:
                if not settings().is_desktop:
                    self._draw_facts()
                self._draw_fields()
                Draft("about", self._form)
        self._form.element.classes("mp-card__body mp-form")

    def say_saved(self) -> None:
        """Show that the profile was saved, as soon as the reloaded page is connected."""
        ui.navigate.history.replace(PROFILE.path)
        ui.timer(0.1, lambda: self._message.say(_("Saved.")), once=True)

    def _draw_facts(self) -> None:
        username, role = known_facts(_("Username"), _("Role"))
        username.show(self._viewer.username)
        role.show(say(ROLES[Role(self._viewer.role)]))

    def _draw_fields(self) -> None:
        viewer, form, is_desktop = self._viewer, self._form, settings().is_desktop
        with tag("div", "mp-pair"):
            self._name = form.text("display_name", _("Display name"), viewer.display_name, autocomplete="name")
            self._email = None
            if not is_desktop:
                self._email = form.text("email", _("Email"), viewer.email, kind="email", autocomplete="email")
        with tag("div", "mp-pair"):
            zones = {name: name.replace("_", " ") for name in sorted(zone_names())}
            self._zone = form.choice(
                "time_zone",
                _("Time zone"),
                zones,
                viewer.time_zone,
                hint=_("The times of single requests are shown in it."),
                searchable=True,
            )
            self._language = form.choice(
                "language",
                _("Language"),
                LANGUAGES,
                viewer.language,
                hint=_("For pages, numbers and dates.") if is_desktop else _("For pages, mails, numbers and dates."),
            )
        themes = {theme.value: say(name) for theme, name in THEMES.items()}
        with tag("div", "mp-pair"):
            chosen = choice_field(_("Theme"), themes, self._theme.theme.value, hint=_("Applies at once."))
        chosen.control.on_value_change(lambda: self._theme.choose(Theme(chosen.text)))
        self._theme.follow(lambda theme: chosen.fill(theme.value))
        with tag("div", "mp-form__foot"):
            form.submit(_("Save"))
        self._message = form.says()
        ui.on("portal-zone", self._suggest)

    def _suggest(self, event: GenericEventArguments) -> None:
        """Name the time zone of the browser if it is another one."""
        zone = str(event.args)[:64]
        if zone in zone_names() and zone != self._viewer.time_zone:
            name = zone.replace("_", " ")
            if settings().is_desktop:
                self._zone.hint(_("This computer is in {zone}.", zone=name))
            else:
                self._zone.hint(_("This browser is in {zone}.", zone=name))

    async def _save(self) -> str:
        wanted = Profile(
            display_name=self._name.text,
            email=self._email.text if self._email else None,
            time_zone=self._zone.text,
            language=self._language.text,
            theme=self._theme.theme.value,
        )
        await in_transaction(change_profile, self._viewer.actor, wanted, utc_now())
        ui.navigate.to(f"{PROFILE.path}?saved=1")  # the whole page depends on these
        return ""


class PasswordForm:
    """The form that changes the password; other browsers are signed out then."""

    def __init__(self, viewer: Viewer) -> None:
        """Draw the empty form, with the fields that password managers expect."""
        self._viewer = viewer
        with tag("section", "mp-card", data_testid="password-form", aria_label=_("Password")):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", _("Password"))
                Text("p", _("Changing it signs out all other browsers.")).classes("mp-card__sub")
            with Form(self._change, name=_("Password")) as self._form:
                self._draw_fields(viewer.username)
                Draft("password", self._form)
        self._form.element.classes("mp-card__body mp-form")

    def _draw_fields(self, username: str) -> None:
        form = self._form
        tag("input", type="text", name_="username", autocomplete="username", value=username, readonly="", hidden="")
        self._current = form.text("current", _("Current password"), kind="password", autocomplete="current-password")
        self._new = form.text(
            "new",
            _("New password"),
            kind="password",
            autocomplete="new-password",
            hint=_("At least {count} characters.", count=MIN_PASSWORD),
        )
        self._again = form.text("again", _("Repeat new password"), kind="password", autocomplete="new-password")
        with tag("div", "mp-form__foot"):
            form.submit(_("Change password"))
        form.says()

    async def _change(self) -> str:
        if self._new.text != self._again.text:
            raise InvalidInput(message("This is not the same as the new password."), "again")
        viewer = self._viewer
        await asyncio.to_thread(
            change_password, viewer.actor, viewer.session_id, self._current.text, self._new.text, utc_now()
        )
        for field in (self._current, self._new, self._again):
            field.fill("")
        await _end_at_once(viewer)
        return _("Password changed. Other browsers have been signed out.")


class SessionsTable:
    """The sessions of the account, and the button that ends all other ones."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._viewer = viewer
        self._formats = formats
        self._confirmation = Confirmation(_("Cancel"), _("Sign out other sessions"))
        with tag("section", "mp-card", aria_label=_("Sessions")):
            with tag("div", "mp-card__head mp-card__head--table"):
                with ui.element("div"):
                    Text("h2", _("Sessions"))
                    Text("p", _("Browsers that are signed in with this account")).classes("mp-card__sub")
                self._others = button(_("Sign out other sessions"), self._ask)
            with tag("div", "mp-card__message"):
                self._message = Notice()
            self._table = data_table("sessions", SESSION_COLUMNS, test_id="sessions-table", label=_("Sessions"))
        self._others.set_visibility(False)

    def show(self, view: ProfileView, now: datetime) -> None:
        """Show newer rows."""
        self._others.set_visibility(any(not session.is_this for session in view.sessions))
        self._table.show_rows([session_values(session, self._formats, now) for session in view.sessions])

    def _ask(self) -> None:
        self._message.clear()
        self._confirmation.ask(
            _("Sign out other sessions?"),
            _("Every other browser has to sign in again. Your API keys keep working."),
            self._sign_out,
        )

    async def _sign_out(self) -> None:
        viewer = self._viewer
        if viewer.session_id is None:
            return
        ended = await in_transaction(sign_out_others, viewer.actor, viewer.session_id, utc_now())
        self._message.say(plural("One other session has been ended.", "{count} other sessions have been ended.", ended))
        await _end_at_once(viewer)


def session_values(session: SessionView, f: Formats, now: datetime) -> dict[str, Any]:
    """Return the values of a session for `SESSION_COLUMNS`."""
    return {
        "id": session.id,
        "browser": say(browser_name(session.user_agent)),
        "user_agent": session.user_agent,
        "is_this": session.is_this,
        "badge": _("This browser"),
        "address": session.address,
        "since": f.moment(session.created_at, now),
        "since_exact": f.exact(session.created_at),
        "seen": f.moment(session.last_seen_at, now),
        "seen_exact": f.exact(session.last_seen_at),
    }


async def _end_at_once(viewer: Viewer) -> None:
    """Close the pages of the sessions that have ended, and refresh the account's other pages."""
    await recheck()
    await refresh_all(viewer.id)
