"""Fields for the limits of a budget."""

from collections.abc import Mapping

from nicegui import ui

from portal.actions.fields import clean_field
from portal.pages.components.inputs.fields import Field, Form
from portal.rules.periods import Period
from portal.rules.spending.budgets import BudgetType, Limits
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import BUDGETS
from portal.words.numbers import read_limit


class LimitFields:
    """Three fields for billable tokens, of a day, a month and in total; an empty field means no limit."""

    def __init__(self, form: Form, formats: Formats, hints: Mapping[Period, str] | None = None) -> None:
        """Draw them as a part of `form`; errors of the fields `daily`, `monthly` and `total` are shown there.

        `hints` are shown below the fields where no used tokens are.
        """
        self._formats = formats
        self._hints = hints or {}
        self._fields: dict[Period, Field[ui.input]] = {
            period: form.text(
                period.value, say(name), inputmode="numeric", autocomplete="off", placeholder=_("No limit")
            )
            for period, name in BUDGETS.items()
        }

    @property
    def first(self) -> ui.input:
        """The control that gets the focus."""
        return self._fields[Period.DAILY].control

    def fill(self, limits: Limits, used: Mapping[Period, int] | None = None) -> None:
        """Show limits, and below each one the `used` tokens."""
        for period, field in self._fields.items():
            limit = limits.set_for(period)
            field.fill("" if limit is None else self._formats.number(limit))
            field.hint(
                self._hints.get(period, "") if used is None else _used(period, self._formats.number(used[period]))
            )

    def clear(self) -> None:
        """Show no limits."""
        self.fill(Limits())

    def only_total(self, only: bool) -> None:
        """Show the total limit alone, as a one-time budget has it, or all three."""
        for period in (Period.DAILY, Period.MONTHLY):
            self._fields[period].element.set_visibility(not only)

    def read(self, kind: BudgetType = BudgetType.SUBSCRIPTION) -> Limits:
        """Return the typed limits; of a one-time budget only the total one. Raises InvalidInput."""
        language = self._formats.locale.language
        daily, monthly, total = (
            clean_field(period.value, read_limit, field.text, language) for period, field in self._fields.items()
        )
        if kind is BudgetType.ONE_TIME:
            return Limits(total=total, type=kind)
        return Limits(daily, monthly, total, kind)


def _used(period: Period, tokens: str) -> str:
    match period:
        case Period.DAILY:
            return _("{tokens} used today", tokens=tokens)
        case Period.MONTHLY:
            return _("{tokens} used this month", tokens=tokens)
        case Period.TOTAL:
            return _("{tokens} used in total", tokens=tokens)
