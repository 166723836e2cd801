"""Budgets and price on the profile of the desktop program, where nobody else sets them."""

from portal.actions.fields import clean_field
from portal.actions.spending.budgets import set_budget
from portal.actions.spending.prices import enter_price
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.pages.components.inputs.drafts import Draft
from portal.pages.components.inputs.fields import Form
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, tag
from portal.rules.messages import InvalidValue
from portal.rules.periods import Period
from portal.rules.spending.pricing import NANO
from portal.views.people.accounts import Viewer
from portal.views.spending.own_limits import OwnLimits
from portal.words import _
from portal.words.formats import Formats, zone_name
from portal.words.numbers import read_price

MILLION = 1_000_000


class BudgetsForm:
    """The limits of day, month and total; an empty field means no limit."""

    def __init__(self, viewer: Viewer, formats: Formats, stored: OwnLimits) -> None:
        """Draw the form with the stored limits."""
        self._viewer = viewer
        self._formats = formats
        with tag("section", "mp-card", id="budgets", data_testid="budgets-form", aria_label=_("Your budgets")):
            with tag("div", "mp-card__head"), tag("div"):
                Text("h2", _("Your budgets"))
                Text("p", _("Billable tokens; an empty field means no limit.")).classes("mp-card__sub")
            with Form(self._save, name=_("Your budgets")) as self._form:
                zone = zone_name(formats.budget_zone)
                hints = {Period.MONTHLY: _("Days and months end at midnight, {zone}.", zone=zone)}
                self._limits = LimitFields(self._form, formats, hints)
                self._limits.fill(stored.limits)
                Draft("budgets", self._form)
                with tag("div", "mp-form__foot"):
                    self._form.submit(_("Save budgets"))
                self._form.says()
        self._form.element.classes("mp-card__body mp-form")

    async def _save(self) -> str:
        viewer, limits = self._viewer, self._limits.read()
        await in_transaction(set_budget, viewer.actor, viewer.id, limits, utc_now())
        self._limits.fill(limits)
        await refresh_all(viewer.id)
        return _("Budgets saved.")


class PriceForm:
    """The price of a billable token, in force from the moment it is saved."""

    def __init__(self, viewer: Viewer, formats: Formats, stored: OwnLimits) -> None:
        """Draw the form with the price in force."""
        self._viewer = viewer
        self._formats = formats
        with tag("section", "mp-card", id="price", data_testid="price-form", aria_label=_("Your price")):
            with tag("div", "mp-card__head"), tag("div"):
                Text("h2", _("Your price"))
                about = _("For requests from now on; earlier ones keep the price of their own time.")
                Text("p", about).classes("mp-card__sub")
            with Form(self._save, name=_("Your price")) as self._form:
                price = "" if stored.price is None else formats.factor(stored.price)
                self._price = self._form.text(
                    "eur_per_token",
                    _("EUR per billable token"),
                    price,
                    inputmode="decimal",
                    autocomplete="off",
                    suffix="€",
                )
                self._price.control.on_value_change(self._explain)
                self._explain()
                Draft("price", self._form)
                with tag("div", "mp-form__foot"):
                    self._form.submit(_("Save price"))
                self._form.says()
        self._form.element.classes("mp-card__body mp-form")

    def _explain(self) -> None:
        """Write the price of a million tokens below the field."""
        try:
            nano_eur = int(read_price(self._price.text) * MILLION * NANO)
        except InvalidValue:
            self._price.hint("")
            return
        self._price.hint(_("{amount} for a million tokens", amount=self._formats.eur(nano_eur)))

    async def _save(self) -> str:
        price = clean_field("eur_per_token", read_price, self._price.text)
        now = utc_now()
        await in_transaction(enter_price, self._viewer.actor, price, now, now)
        self._price.fill(self._formats.factor(price))
        await refresh_all(self._viewer.id)
        return _("Price saved.")
