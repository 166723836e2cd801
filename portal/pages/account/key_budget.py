"""The dialog that sets the budget of an API key."""

from portal.actions.spending.budgets import set_key_budget
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, set_props
from portal.rules.people.keys import KeyStatus
from portal.rules.periods import Period
from portal.rules.spending.budgets import Limits
from portal.views.people.accounts import Viewer
from portal.views.people.keys import KeyView, load_keys
from portal.words import _
from portal.words.formats import Formats


class KeyBudget:
    """Asks for the limits of a key; an empty field means no limit."""

    def __init__(self, viewer: Viewer, formats: Formats, account_id: int) -> None:
        """Draw the dialog closed; `account_id` is the owner of the keys."""
        self._viewer = viewer
        self._formats = formats
        self._account_id = account_id
        self._key: KeyView | None = None
        self._dialog = FormDialog("key-budget", _("Budget of the key"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            about = _(
                "Billable tokens; an empty field means no limit. Requests with this key are refused while one of its "
                "budgets is used up. They count against the budget of the account too."
            )
            Text("p", about).classes("mp-muted")
            self._limits = LimitFields(form, formats)
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(self._limits.first, autofocus=True)

    def open(self, key: KeyView) -> None:
        """Ask for the budget of this key."""
        self._key = key
        self._dialog.context.show(f"{key.label} · {key.prefix}…")
        if key.budget is None:
            self._limits.fill(Limits())
        else:
            budgets = {period: key.budget.of(period) for period in Period}
            limits = Limits(budgets[Period.DAILY].limit, budgets[Period.MONTHLY].limit, budgets[Period.TOTAL].limit)
            self._limits.fill(limits, {period: budget.consumed for period, budget in budgets.items()})
        self._dialog.begin(str(key.id))

    async def _reopen(self, key_id: str) -> None:
        view = await in_reading(load_keys, self._account_id, utc_now())
        for key in view.keys:
            if str(key.id) == key_id and key.status is KeyStatus.ACTIVE:
                self.open(key)

    async def _save(self) -> str:
        if self._key is not None:
            limits = self._limits.read()
            actor, key_id = self._viewer.actor, self._key.id
            await in_transaction(set_key_budget, actor, self._account_id, key_id, limits, utc_now())
        self._dialog.close()
        await refresh_all(self._account_id)
        return ""
