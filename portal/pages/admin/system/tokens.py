"""The card of admin tokens on the page System, and the dialog that creates one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from nicegui import events, ui

from portal.actions.people.admin_tokens import create_admin_token, revoke_admin_token
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import InvalidInput
from portal.pages.account.notifications.address_dialog import SecretDialog
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation, FormDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon_name, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.metering.usage import InvalidFilter, parse_day
from portal.rules.people.admin_tokens import NOUNS
from portal.rules.people.keys import KeyStatus, expires_after
from portal.views.people.accounts import Viewer
from portal.views.people.admin_tokens import AdminTokenView
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import NOUN_LABELS

_STATUS = {
    KeyStatus.ACTIVE: (message("Active"), "check"),
    KeyStatus.EXPIRED: (message("Expired"), "clock"),
    KeyStatus.REVOKED: (message("Revoked"), "ban"),
}
_COLUMNS = (
    Column("label", message("Label"), classes="sy-name", cell=cells.name("label", flows=True)),
    Column("prefix", message("Token prefix"), classes="sy-prefix", cell=cells.code(cells.text("prefix") + "…")),
    Column("username", message("Administrator"), classes="sy-user", cell=cells.name("username", flows=True)),
    Column("scopes", message("Scopes"), classes="sy-scopes"),
    Column("used", message("Last used"), classes="sy-when", attributes=cells.exact("used_exact")),
    Column("expires", message("Expires"), classes="sy-expires", attributes=cells.exact("expires_exact")),
    Column("status", message("Status"), classes="sy-state", cell=cells.status()),
    Column(
        "revoke", message("Actions"), classes="sy-act num", hidden_label=True, cell=cells.action("revoke", danger=True)
    ),
)


class TokensCard:
    """All admin tokens, with buttons that create and revoke one."""

    def __init__(self, viewer: Viewer, formats: Formats, notice: Notice) -> None:
        """Draw the card; `notice` shows which token was revoked."""
        self._viewer, self._formats, self._notice = viewer, formats, notice
        self._tokens: dict[int, AdminTokenView] = {}
        with tag("section", "mp-card", id="tokens", aria_label=_("Admin tokens")):
            with tag("div", "mp-card__head"):
                with tag("div"):
                    Text("h2", _("Admin tokens"))
                    about = _("Programs administer the portal with them at /admin/api, while their creator may.")
                    Text("p", about).classes("mp-card__sub")
                opener = button(_("Create token"), icon="plus")
            self._table = data_table("admin-tokens", _COLUMNS, test_id="tokens-table", label=_("Admin tokens"))
            self._table.when_empty("key", _("No tokens yet"), _("Each program gets its own, with few scopes."))
        creating = CreateToken(
            viewer,
            formats,
            SecretDialog(
                opener,
                _("Token created"),
                _("The program sends it in the header Authorization, after the word Bearer."),
            ),
        )
        opener.on_click(creating.open)
        self._revoking = Confirmation(_("Keep token"), _("Revoke token"), home=opener)
        self._table.on("revoke", self._ask)

    def show(self, tokens: Sequence[AdminTokenView], now: datetime) -> None:
        """Show newer rows."""
        self._tokens = {token.id: token for token in tokens}
        self._table.show_rows([self._row(token, now) for token in tokens])

    def _row(self, token: AdminTokenView, now: datetime) -> dict[str, Any]:
        f, is_active = self._formats, token.status is KeyStatus.ACTIVE
        word, picture = _STATUS[token.status]
        return {
            "id": token.id,
            "label": token.label,
            "prefix": token.prefix,
            "username": token.username,
            "scopes": ", ".join(token.scopes),
            "used": f.moment(token.last_used_at, now) if token.last_used_at else _("Never"),
            "used_exact": f.exact(token.last_used_at),
            "expires": f.date_of(token.expires_at) if token.expires_at else _("Never"),
            "expires_exact": f.exact(token.expires_at),
            "status": say(word),
            "icon": icon_name(picture),
            "off": not is_active,
            "revoke": _("Revoke") if is_active else "",
            "revoke_label": _("Revoke {token}", token=token.label),
        }

    def _ask(self, event: events.GenericEventArguments) -> None:
        token = self._tokens.get(event.args) if isinstance(event.args, int) else None
        if token is None:
            return

        async def revoke() -> None:
            await in_transaction(revoke_admin_token, self._viewer.actor, token.id, utc_now())
            self._notice.say(_("The token {label} has been revoked.", label=token.label))
            await refresh_all(self._viewer.id)

        question = _("Whatever uses it gets 401 from now on. This cannot be undone.")
        self._revoking.ask(_("Revoke this token?"), question, revoke, code=f"{token.prefix}…")


class CreateToken:
    """Asks for label, scopes and last day of a token, and passes it to the only dialog that shows it."""

    def __init__(self, viewer: Viewer, formats: Formats, secret: SecretDialog) -> None:
        """Draw the dialog closed."""
        self._viewer, self._formats, self._secret = viewer, formats, secret
        self._boxes: dict[str, ui.checkbox] = {}
        self._dialog = FormDialog("admin-token", _("Create token"), self._create, reopen=self._reopen)
        form = self._dialog.form
        with self._dialog.body:
            hint = _("Up to 100 characters: what it is for.")
            self._label = form.text("label", _("Label"), hint=hint, autocomplete="off")
            self._last = form.text("expires_at", _("Last day"), kind="date", hint=_("Empty: until it is revoked"))
            self._draw_scopes()
            form.says()
        self._dialog.buttons(_("Create token"))
        set_props(self._label.control, autofocus=True)

    def _draw_scopes(self) -> None:
        with tag("table", "n-topics"):
            with tag("thead"), tag("tr"):
                for name in (_("Scopes"), _("Read"), _("Write")):
                    tag("th", "", name, scope="col")
            with tag("tbody"):
                for noun in NOUNS:
                    with tag("tr"):
                        tag("th", "", say(NOUN_LABELS[noun]), scope="row")
                        for right, label in (("read", _("Read")), ("write", _("Write"))):
                            with tag("td"):
                                box = self._boxes[f"{noun}:{right}"] = ui.checkbox()
                            set_props(box, aria_label=f"{say(NOUN_LABELS[noun])}: {label}")

    def open(self) -> None:
        """Open the dialog with empty fields."""
        self._label.fill("")
        self._last.fill("")
        for box in self._boxes.values():
            box.set_value(False)
        self._dialog.begin()

    async def _reopen(self, _: str) -> None:
        self.open()

    async def _create(self) -> str:
        scopes = [scope for scope, box in self._boxes.items() if box.value]
        actor, own, label = self._viewer.actor, self._viewer.id, self._label.text
        made = await in_transaction(create_admin_token, actor, own, label, scopes, self._end(), utc_now())
        self._dialog.close()
        self._secret.open(made.secret)
        await refresh_all(self._viewer.id)
        return ""

    def _end(self) -> datetime | None:
        """Return the end of the last day. Raises InvalidInput."""
        if not self._last.text:
            return None
        try:
            return expires_after(parse_day(self._last.text, "expires_at"), self._formats.zone)
        except InvalidFilter as error:
            raise InvalidInput(error.sentence, "expires_at") from error
