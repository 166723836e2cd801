"""The details of an account, and the dialog that changes them."""

from datetime import datetime

from nicegui import ui

from portal.actions.people.accounts import edit_account
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import Conflict
from portal.pages.components.inputs.dialogs import FormDialog
from portal.pages.components.inputs.fields import Field, Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, known_facts, set_props, tag
from portal.rules.messages import message
from portal.rules.people.accounts import Role
from portal.rules.periods import zone_names
from portal.views.people.account import AccountDetails, AccountPageView, load_account
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import NOTHING, Formats
from portal.words.labels import LANGUAGES, ROLES, STATUSES

_FIELDS = ("display_name", "email", "role", "time_zone", "language")


class DetailsCard:
    """The details, and the button that opens the dialog."""

    def __init__(self, viewer: Viewer, account: AccountDetails, formats: Formats, done: Notice) -> None:
        """Draw the card without values."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Details"), data_testid="account-details"):
            with tag("div", "mp-card__head"):
                Text("h2", _("Details"))
                opener = button(_("Edit details"), icon="pencil")
            with tag("div", "mp-card__body"):
                self._values = known_facts(
                    *(_("Username"), _("Name"), _("Email"), _("Role"), _("Status"), _("Team")),
                    *(_("Time zone"), _("Language"), _("Created"), _("Last sign-in")),
                )
        editing = EditDetails(viewer, account.id, done)
        opener.on_click(editing.open)

    def show(self, view: AccountPageView, now: datetime) -> None:
        """Show newer values."""
        f, account = self._formats, view.account
        signed_in = f.moment(account.signed_in_at, now) if account.signed_in_at else _("Never")
        values = (
            (account.username, ""),
            (account.display_name, ""),
            (account.email or NOTHING, ""),
            (say(ROLES[account.role]), ""),
            (say(STATUSES[account.status]), ""),
            (account.team or NOTHING, ""),
            ((account.time_zone or NOTHING).replace("_", " "), ""),
            (LANGUAGES[account.language], ""),
            (f.date_of(account.created_at), f.exact(account.created_at)),
            (signed_in, f.exact(account.signed_in_at) if account.signed_in_at else ""),
        )
        for value, (text, title) in zip(self._values, values, strict=True):
            value.show(text, title=title)


class EditDetails:
    """Changes the details; nothing is overwritten that somebody else has changed meanwhile."""

    def __init__(self, viewer: Viewer, account_id: int, done: Notice) -> None:
        """Draw the dialog closed."""
        self._viewer, self._account_id, self._done = viewer, account_id, done
        self._seen: AccountDetails | None = None
        self._dialog = FormDialog("account-details", _("Edit details"), self._save, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            name = form.text("display_name", _("Name"), autocomplete="off")
            email = form.text("email", _("Email"), kind="email", autocomplete="off")
            roles = {role.value: say(words) for role, words in ROLES.items()}
            hint = _("Another role signs the person out everywhere.")
            role = form.choice("role", _("Role"), roles, Role.USER.value, hint=hint)
            with tag("div", "mp-pair"):
                zones = {zone: zone.replace("_", " ") for zone in sorted(zone_names())}
                zone = form.choice("time_zone", _("Time zone"), zones, None, searchable=True)
                language = form.choice("language", _("Language"), LANGUAGES, "en")
            form.says()
        self._dialog.buttons(_("Save"))
        set_props(name.control, autofocus=True)
        self._fields: dict[str, Field[ui.input] | Field[ui.select]] = dict(
            zip(_FIELDS, (name, email, role, zone, language), strict=True)
        )

    async def open(self) -> None:
        """Open it with the values of now."""
        self._show(await self._load())
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        await self.open()

    async def _load(self) -> AccountDetails:
        return await in_reading(load_account, self._viewer.actor, self._account_id, utc_now())

    def _show(self, account: AccountDetails) -> None:
        self._seen = account
        self._dialog.context.show(account.username)
        for name, text in _texts(account).items():
            self._fields[name].fill(text)

    async def _save(self) -> str:
        seen = self._seen
        if seen is None:
            return ""
        typed = {name: field.text for name, field in self._fields.items()}
        changed = {name: text for name, text in typed.items() if text != _texts(seen)[name]}
        role = Role(changed.pop("role")) if "role" in changed else None
        try:
            actor, account_id = self._viewer.actor, self._account_id
            await in_transaction(edit_account, actor, account_id, utc_now(), role=role, version=seen.version, **changed)
        except Conflict as conflict:
            await self._merge(seen, typed, conflict)
        self._dialog.close()
        self._done.say(_("Details saved."))
        await refresh_all(self._viewer.id)
        return ""

    async def _merge(self, seen: AccountDetails, typed: dict[str, str], conflict: Conflict) -> None:
        """Show what somebody else has changed meanwhile; typed values stay, and may be saved then.

        Raises the conflict again if nobody has.
        """
        newer = await self._load()
        if newer.version == seen.version:
            raise conflict
        before, after = _texts(seen), _texts(newer)
        self._seen = newer
        for name in _FIELDS:
            if typed[name] == before[name]:
                self._fields[name].fill(after[name])
        changes = [f"{_label(name)}: {_shown(name, after[name])}" for name in _FIELDS if after[name] != before[name]]
        if newer.status is not seen.status:
            changes.append(f"{_('Status')}: {say(STATUSES[newer.status])}")
        raise Conflict(
            message(
                "Somebody else has changed this account meanwhile: {changes}. What you typed is still here. "
                "Save again to keep it.",
                changes=", ".join(changes) or NOTHING,
            )
        ) from conflict


def _texts(account: AccountDetails) -> dict[str, str]:
    """Return the values of the fields."""
    return {name: str(getattr(account, name) or "") for name in _FIELDS}


def _label(name: str) -> str:
    labels = {
        "display_name": _("Name"),
        "email": _("Email"),
        "role": _("Role"),
        "time_zone": _("Time zone"),
        "language": _("Language"),
    }
    return labels[name]


def _shown(name: str, text: str) -> str:
    """Return a value of a field in words."""
    if name == "role":
        return say(ROLES[Role(text)])
    return LANGUAGES.get(text, text) if name == "language" else text or NOTHING
