"""The dialog that creates an account, with a link by which its person sets a password."""

from collections.abc import Awaitable, Callable

from nicegui.element import Element

from portal.actions.people.new_accounts import create_account_with_link
from portal.actions.people.password_resets import LinkDelivery, links_can_be_mailed
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.pages.admin.accounts.bulk_dialogs import DEFAULT_BUDGET, NO_NAME, budget_kinds, named_choices
from portal.pages.admin.accounts.password_link import PasswordLinkDialog
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.inputs.limits import LimitFields
from portal.pages.components.parts import set_props, tag
from portal.rules.people.accounts import Role
from portal.rules.spending.budgets import BudgetType
from portal.rules.text import MAX_EMAIL, MAX_LABEL, MAX_NAME
from portal.views.people.account_choices import load_account_choices
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import ROLES

_NAMES = ("username", "email", "display_name")


def link_choices() -> dict[str, str]:
    """Return the choices of a password link; mailing is one of them only if mails can be sent."""
    choices = {LinkDelivery.SHOW.value: _("Show it to me, I pass it on")}
    if links_can_be_mailed():
        choices[LinkDelivery.MAIL.value] = _("Mail it to the person")
    return choices | {LinkDelivery.NONE.value: _("No link")}


class NewAccount:
    """Asks for the values of a new account; shows its password link afterwards."""

    def __init__(
        self, viewer: Viewer, formats: Formats, done: Notice, after: Callable[[], Awaitable[None]], home: Element
    ) -> None:
        """Draw the dialogs closed; `after` is called when the account exists."""
        self._viewer, self._done, self._after = viewer, done, after
        self._link = PasswordLinkDialog(formats, home)
        self._dialog = FormDialog("new-account", _("New account"), self._save, reopen=self._reopen)
        self._dialog.window.classes("mp-wide")
        form = self._dialog.form
        with self._dialog.body:
            with tag("div", "mp-pair"):
                name = form.text("username", _("Username"), maxlength=MAX_NAME, autocomplete="off", spellcheck="false")
                email = form.text("email", _("Email"), kind="email", maxlength=MAX_EMAIL, autocomplete="off")
                hint = _("Empty: the username")
                shown = form.text("display_name", _("Name"), hint=hint, maxlength=MAX_LABEL, autocomplete="off")
                roles = {role.value: say(words) for role, words in ROLES.items()}
                self._role = form.choice("role", _("Role"), roles, Role.USER.value)
                self._team = form.choice("team", _("Team"), {}, None, searchable=True)
                self._template = form.choice("template", _("Expert template"), {}, None, searchable=True)
                self._kind = form.choice("kind", _("Budget"), budget_kinds(), DEFAULT_BUDGET)
                self._delivery = form.choice("link", _("Link to set a password"), link_choices(), LinkDelivery.SHOW)
            with tag("div", "mp-triple") as self._own:
                self._limits = LimitFields(form, formats)
            form.says()
        self._dialog.buttons(_("Create account"))
        self._texts = dict(zip(_NAMES, (name, email, shown), strict=True))
        self._kind.control.on_value_change(self._show_limits)
        set_props(name.control, autofocus=True)

    async def open(self) -> None:
        """Open it with empty fields."""
        choices = await in_reading(load_account_choices, self._viewer.actor)
        for field in self._texts.values():
            field.fill("")
        self._role.fill(Role.USER)
        self._team.control.set_options(named_choices(_("No team"), choices.teams), value=NO_NAME)
        self._template.control.set_options(named_choices(_("No template"), choices.templates), value=NO_NAME)
        self._kind.fill(DEFAULT_BUDGET)
        self._limits.clear()
        self._show_limits()
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        await self.open()

    def _show_limits(self) -> None:
        self._own.set_visibility(self._kind.text != DEFAULT_BUDGET)
        self._limits.only_total(self._kind.text == BudgetType.ONE_TIME)

    async def _save(self) -> str:
        limits = None if self._kind.text == DEFAULT_BUDGET else self._limits.read(BudgetType(self._kind.text))
        username, email, display_name = (self._texts[name].text for name in _NAMES)
        delivery = LinkDelivery(self._delivery.text)

        name, link = await in_transaction(
            create_account_with_link,
            self._viewer.actor,
            username,
            email,
            Role(self._role.text),
            utc_now(),
            display_name.strip() or None,
            delivery=delivery,
            limits=limits,
            template=_chosen(self._template.text),
            team=_chosen(self._team.text),
        )
        self._dialog.close()
        if link is not None:
            self._link.open(link, name)
        if delivery is LinkDelivery.MAIL:
            self._done.say(_("The account {name} exists now, and its link is on its way.", name=name))
        else:
            self._done.say(_("The account {name} exists now.", name=name))
        await self._after()
        return ""


def _chosen(name: str) -> str | None:
    return None if name in {"", NO_NAME} else name
