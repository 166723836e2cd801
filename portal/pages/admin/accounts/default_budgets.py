"""The dialog that sets the budgets of new accounts."""

from portal.actions.spending.default_budgets import set_default_budget
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.parts import Text, set_props
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import BudgetType, Limits
from portal.views.people.accounts import Viewer
from portal.views.spending.default_budgets import load_default_budgets
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import BUDGET_TYPES, ROLES


class DefaultBudgets:
    """Shows the default budget of one role after the other; saves that of the chosen role."""

    def __init__(self, viewer: Viewer, formats: Formats, done: Notice) -> None:
        """Draw the dialog closed; `done` says which budget was saved."""
        self._viewer, self._done = viewer, done
        self._stored: dict[str, Limits] = {}
        self._dialog = FormDialog("default-budgets", _("Default budgets"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _("New accounts of the role get this budget, also by import. Present accounts keep theirs.")
            Text("p", about).classes("mp-muted")
            roles = {role.value: say(words) for role, words in ROLES.items()}
            self._role = form.choice("role", _("Role"), roles, Role.USER.value)
            kinds = {kind.value: say(words) for kind, words in BUDGET_TYPES.items()}
            self._kind = form.choice("type", _("Type"), kinds, BudgetType.SUBSCRIPTION.value)
            self._limits = LimitFields(form, formats)
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._limits.first, autofocus=True)
        self._role.control.on_value_change(self._show)
        self._kind.control.on_value_change(
            lambda: self._limits.only_total(self._kind.text == BudgetType.ONE_TIME.value)
        )

    async def open(self, role: str = Role.USER.value) -> None:
        """Show the present default budget of a role."""
        found = await in_reading(load_default_budgets)
        if self._dialog.window.is_deleted:
            return
        self._stored = {view.role.value: view.limits or Limits() for view in found}
        self._role.fill(role)
        self._show()
        self._dialog.begin(role)

    async def _reopen(self, role: str) -> None:
        if role in self._role.control.options:
            await self.open(role)

    def _show(self) -> None:
        limits = self._stored.get(self._role.text, Limits())
        self._kind.fill(limits.type.value)
        self._limits.only_total(limits.type is BudgetType.ONE_TIME)
        self._limits.fill(limits)

    async def _save(self) -> str:
        role, limits = Role(self._role.text), self._limits.read(BudgetType(self._kind.text))
        is_limited = (limits.daily, limits.monthly, limits.total) != (None, None, None)
        await in_transaction(set_default_budget, self._viewer.actor, role, limits if is_limited else None, utc_now())
        if not self._dialog.window.is_deleted:
            self._dialog.close()
            self._done.say(_("The default budget of the role {role} was saved.", role=say(ROLES[role])))
        return ""
