"""The form in which a person says when to be warned of a budget that runs out."""

from nicegui import ui

from portal.actions.alerts import change_alerts
from portal.clock import utc_now
from portal.db.session import in_transaction
from portal.pages.components.fields import Form
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, set_props, tag
from portal.views.accounts import Viewer
from portal.views.alerts import AlertSettings

_NAME = "Configure Budget Alerts"


class AlertsCard:
    """When to be warned: a form that is drawn as soon as the settings are known, with them in it."""

    def __init__(self, viewer: Viewer) -> None:
        """Draw the card with room for the form."""
        self._viewer = viewer
        self._form: AlertsForm | None = None
        with tag("section", "mp-card", data_testid="alerts-form", aria_label=_NAME) as self._card:
            with tag("div", "mp-card__head"):
                Text("h2", _NAME)
            with tag("div", "mp-card__body mp-form") as self._room:
                for width in (220, 260, 120):
                    Text("p", skeleton=width)

    def show(self, stored: AlertSettings) -> None:
        """Show what is stored, unless something else has been typed meanwhile."""
        if self._form is not None:
            self._form.show(stored)
            return
        self._room.delete()
        with self._card:
            self._form = AlertsForm(self._viewer, stored)


class AlertsForm:
    """The form: drawn once, and filled anew only while nobody has typed into it."""

    def __init__(self, viewer: Viewer, stored: AlertSettings) -> None:
        """Draw the fields with what is stored."""
        self._viewer = viewer
        self._stored = stored
        with Form(self._save, name=_NAME) as self._form:
            self._draw_fields(viewer.email, *_texts(stored))
        self._form.element.classes("mp-card__body mp-form")

    def _draw_fields(self, own_email: str, enabled: bool, threshold: str, email: str) -> None:
        with tag("div", "mp-switch"):
            with ui.element("div"):
                name = Text("span", "Enable alerts")
                Text("p", "One mail per period, when a budget passes the threshold").classes("mp-card__sub")
            self._enabled = ui.switch(value=enabled)
        set_props(self._enabled, aria_labelledby=name.html_id)
        self._enabled.on_value_change(self._form.touched)
        with tag("div", "mp-form__row"):
            self._threshold = self._form.text(
                "threshold_percent", "Threshold", threshold, inputmode="numeric", suffix="%"
            )
            self._email = self._form.text(
                "email",
                "Alert email",
                email,
                kind="email",
                hint=f"Empty: your account’s address ({own_email})",
                autocomplete="email",
            )
        with tag("div", "mp-form__foot"):
            self._form.submit("Save alerts")
            Text("p", "Alerts are sent as soon as an administrator has set up mail.").classes("mp-hint")
        self._form.says()

    def show(self, stored: AlertSettings) -> None:
        """Fill in what is stored, unless something else has been typed meanwhile."""
        if stored != self._stored and self._typed() == _texts(self._stored):
            self._fill(stored)
        self._stored = stored

    def _typed(self) -> tuple[bool, str, str]:
        return bool(self._enabled.value), self._threshold.text, self._email.text

    def _fill(self, stored: AlertSettings) -> None:
        enabled, threshold, email = _texts(stored)
        self._enabled.set_value(enabled)
        self._threshold.fill(threshold)
        self._email.fill(email)

    async def _save(self) -> str:
        typed = enabled, threshold, email = self._typed()
        self._stored = await in_transaction(
            change_alerts, self._viewer.id, enabled, whole_number(threshold), email or None, utc_now()
        )
        if self._typed() == typed:
            self._fill(self._stored)
        await refresh_all(self._viewer.id)
        return "Alerts saved." if enabled else "Saved. Alerts are off."


def _texts(stored: AlertSettings) -> tuple[bool, str, str]:
    """Return settings as they stand in the fields."""
    return stored.enabled, str(stored.threshold_percent), stored.email or ""


def whole_number(text: str) -> int:
    """Read a small whole number as it is typed, with or without a percent sign; 0 for anything else."""
    digits = text.strip().removesuffix("%").strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 7 else 0
