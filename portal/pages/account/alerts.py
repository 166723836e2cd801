"""The form for budget alerts, and the table of past alerts."""

from dataclasses import replace
from datetime import datetime

from nicegui import ui

from portal.actions.outbox import send_test_mail
from portal.actions.spending.alerts import change_alerts
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import Conflict
from portal.pages.components import cells
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form, switch_row
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, set_props, tag
from portal.pages.components.shell.bell import present, sentence, then
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import PROFILE
from portal.rules.messages import Message, message
from portal.rules.outbox import State
from portal.settings import settings
from portal.views.people.accounts import Viewer
from portal.views.spending.alerts import AlertSettings, PastAlert, TestMail
from portal.views.spending.billing import BillingView
from portal.words import _, context, say
from portal.words.formats import Formats

_NAME = message("Configure Budget Alerts")
_MAIL: dict[str, Message] = {
    State.QUEUED: message("On its way"),
    State.SENT: message("Sent"),
    State.FAILED: message("Not sent"),
}
_TEST_MAIL: dict[str, Message] = {
    State.QUEUED: message("Test mail to {recipient}, {when}: on its way."),
    State.SENT: message("Test mail to {recipient}, {when}: sent."),
    State.FAILED: message("Test mail to {recipient}, {when}: not sent."),
}
_PAST_COLUMNS = (
    Column("at", message("When"), classes="p-at", attributes=cells.exact("at_exact")),
    Column(
        "what",
        message("Budget"),
        classes="p-what",
        cell=cells.lines(cells.text("what"), cells.small(cells.text("present"), given="present"), title="then"),
    ),
    Column(
        "mail",
        message("Mail"),
        classes="p-mail",
        cell=cells.lines(cells.text("mail"), cells.small(cells.text("why"), given="why"), mark=("mp-bad", "failed")),
    ),
)


class AlertsCard:
    """The card for the alerts; its form is drawn when the settings are loaded."""

    def __init__(self, viewer: Viewer, formats: Formats) -> None:
        """Draw the card with room for the form."""
        self._viewer = viewer
        self._formats = formats
        self._form: AlertsForm | None = None
        with tag("section", "mp-card", data_testid="alerts-form", aria_label=say(_NAME)) as self._card:
            with tag("div", "mp-card__head"):
                Text("h2", say(_NAME))
            with tag("div", "mp-card__body mp-form") as self._room:
                for width in (220, 260, 120):
                    Text("p", skeleton=width)

    def show(self, view: BillingView, now: datetime) -> None:
        """Show the stored settings, unless a person has typed others, and the past alerts."""
        if self._form is not None:
            self._form.show(view.alerts, now)
        else:
            self._room.delete()
            with self._card:
                self._form = AlertsForm(self._viewer, view.alerts, now)
                self._past = PastAlerts(self._formats)
        self._form.show_test(last_test_mail(view.test_mail, self._formats, now))
        self._past.show(view.past_alerts, now)


class AlertsForm:
    """The form; it is drawn once, and filled again only while nobody has typed into it."""

    def __init__(self, viewer: Viewer, stored: AlertSettings, read_at: datetime) -> None:
        """Draw the fields with the stored settings, which were read from `read_at` on."""
        self._viewer = viewer
        self._stored = stored
        self._read_at = read_at
        self._has_mail = settings().mail_is_set_up or not settings().is_desktop
        with Form(self._save, name=say(_NAME)) as self._form:
            self._draw_fields(viewer.email, *_texts(stored))
            self._draft = Draft("alerts", self._form)
        self._form.element.classes("mp-card__body mp-form")

    def _draw_fields(
        self, own_email: str, enabled: bool, threshold: str, second: str, forecast: bool, email: str
    ) -> None:
        self._enabled = self._switch(
            "enabled",
            _("Enable alerts"),
            _("One mail per period and threshold, and one when the budget is used up"),
            on=enabled,
        )
        form = self._form
        if not self._has_mail:
            self._draw_where()
        with tag("div", "mp-pair mp-pair--tight"):
            self._threshold = form.text("threshold_percent", _("Threshold"), threshold, inputmode="numeric", suffix="%")
            self._second = form.text(
                "second_threshold_percent",
                _("Second threshold"),
                second,
                inputmode="numeric",
                suffix="%",
                placeholder=context("threshold", "None"),
            )
        self._forecast = self._switch(
            "forecast",
            _("Warn ahead"),
            _("When a budget will be used up before it resets, or within a week, at the pace of your weeks"),
            on=forecast,
        )
        self._email = form.text(
            "email",
            _("Alert email"),
            email,
            kind="email",
            hint=_("Empty: your account’s address ({address})", address=own_email),
            autocomplete="email",
        )
        with tag("div", "mp-form__foot"):
            form.submit(_("Save alerts"))
            self._test = button(_("Send a test mail"), self._send_test)
        self._tested = Text("p").classes("mp-hint").props("data-testid=test-mail")
        for of_mail in (self._email.element, self._test):
            of_mail.set_visibility(self._has_mail)
        if self._has_mail and not settings().mail_is_set_up:
            set_props(self._test, disable=True)
            text = _("Mail is not set up here. Until it is, alerts appear only in the bell at the top.")
            Text("p", text).classes("mp-hint")
        self._message = form.says()

    def _switch(self, name: str, text: str, about: str, *, on: bool) -> ui.switch:
        switch = switch_row(text, about, on=on)
        self._form.watch(name, switch)
        return switch

    def _draw_where(self) -> None:
        """Say where the desktop program shows alerts, in place of the switch for mails."""
        row = self._enabled.parent_slot.parent if self._enabled.parent_slot else self._enabled
        row.set_visibility(False)
        with tag("p", "mp-muted"):
            Text("span", _("Alerts appear in the bell at the top and as notifications of your system."))
            Text("span", " ")
            tag("a", "mp-msg__link", _("Notifications"), href=f"{PROFILE.path}#computer")

    def show(self, stored: AlertSettings, read_at: datetime) -> None:
        """Fill in the stored settings, unless a person has typed others.

        Settings that were read before the last save may be older than it; they are not shown.
        """
        if read_at < self._read_at:
            return
        if stored != self._stored and self._typed() == _texts(self._stored):
            self._fill(stored)
            self._draft.begin()
        self._stored, self._read_at = stored, read_at

    def show_test(self, sentence: str) -> None:
        """Show the state of the last test mail."""
        self._tested.show(sentence)
        self._tested.set_visibility(bool(sentence))

    def _typed(self) -> tuple[bool, str, str, bool, str]:
        forecast = bool(self._forecast.value)
        return bool(self._enabled.value), self._threshold.text, self._second.text, forecast, self._email.text

    def _fill(self, stored: AlertSettings) -> None:
        enabled, threshold, second, forecast, email = _texts(stored)
        self._enabled.set_value(enabled)
        self._threshold.fill(threshold)
        self._second.fill(second)
        self._forecast.set_value(forecast)
        self._email.fill(email)

    async def _save(self) -> str:
        typed = enabled, threshold, second, forecast, email = self._typed()
        self._stored = await in_transaction(
            change_alerts,
            self._viewer.actor,
            enabled,
            whole_number(threshold),
            email or None,
            utc_now(),
            second_threshold_percent=whole_number(second) if second.strip() else None,
            forecast=forecast,
        )
        self._read_at = utc_now()
        if self._typed() == typed:
            self._fill(self._stored)
        await refresh_all(self._viewer.id)
        return _("Alerts saved.") if enabled or not self._has_mail else _("Saved. Alerts are off.")

    async def _send_test(self) -> None:
        try:
            recipient = await in_transaction(send_test_mail, self._viewer.actor, utc_now())
        except Conflict as error:
            self._message.say(say(error.sentence), "warn")
        else:
            self._message.say(_("A test mail is on its way to {recipient}.", recipient=recipient))
            await refresh_all(self._viewer.id)


class PastAlerts:
    """The past alerts of an account, and the states of their mails."""

    def __init__(self, formats: Formats) -> None:
        """Draw the table empty."""
        self._formats = formats
        with ui.element("div") as self._place:
            Text("h3", _("Past alerts")).classes("mp-past")
            self._table = data_table("past", _past_columns(), test_id="past-alerts", label=_("Past alerts"))

    def show(self, past: tuple[PastAlert, ...], now: datetime) -> None:
        """Show newer rows."""
        f = self._formats
        self._place.set_visibility(bool(past))
        rows = []
        for alert in past:
            crossing = alert.crossing
            rows.append(
                {
                    "id": crossing.id,
                    "at": f.moment(crossing.crossed_at, now),
                    "at_exact": f.exact(crossing.crossed_at),
                    "what": sentence(crossing),
                    "present": present(crossing, f),
                    "then": then(crossing),
                    "mail": say(_MAIL[alert.mail_state]),
                    "why": say(alert.why),
                    "failed": alert.is_trouble,
                }
            )
        self._table.show_rows(rows)


def _past_columns() -> tuple[Column, ...]:
    """Return the columns; the desktop program sends no mails."""
    return _PAST_COLUMNS if settings().mail_is_set_up or not settings().is_desktop else _PAST_COLUMNS[:-1]


def last_test_mail(mail: TestMail | None, f: Formats, now: datetime) -> str:
    """Return the state of a test mail; "" without one."""
    if mail is None:
        return ""
    values = (("recipient", mail.recipient), ("when", f.moment(mail.asked_at, now)))
    text = say(replace(_TEST_MAIL[mail.state], values=values))
    return f"{text} {say(mail.error)}" if mail.error else text


def _texts(stored: AlertSettings) -> tuple[bool, str, str, bool, str]:
    """Return settings as texts of the fields."""
    second = "" if stored.second_threshold_percent is None else str(stored.second_threshold_percent)
    return stored.enabled, str(stored.threshold_percent), second, stored.forecast, stored.email or ""


def whole_number(text: str) -> int:
    """Return a typed whole number of at most six digits, with or without "%"; 0 for any other text."""
    digits = text.strip().removesuffix("%").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else 0
