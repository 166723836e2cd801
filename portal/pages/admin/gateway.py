"""One gateway: whether it reports, its tokens, and why events of it were rejected."""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from nicegui import events, ui

from portal.actions.metering.gateways import create_gateway_token, revoke_gateway_tokens
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import NotFound
from portal.pages.admin.connect import Choice, ConnectionLight, Snippets, public_address, say_copied
from portal.pages.admin.gateways import title_of
from portal.pages.admin.snippets import GATEWAYS as KINDS
from portal.pages.admin.snippets import Values
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation, Dialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live, refresh_all
from portal.pages.components.parts import Text, button, icon, icon_name, known_facts, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import GATEWAYS, HELD
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.metering.reporters import OWN_REPORTS
from portal.views.metering.gateways import MOST_HELD, GatewayView, RejectedView, TokenView, load_gateway
from portal.views.people.accounts import Viewer
from portal.web.visitors import Administrator
from portal.words import _, say
from portal.words.formats import NOTHING, Formats

router = PageRouter()

_FACTS = (
    message("Last report"),
    message("Mode"),
    message("Events per minute"),
    message("Lag"),
    message("Without counts, 7 days"),
    message("Replays, 7 days"),
    message("Rejected, 7 days"),
    message("No usage, 7 days"),
    message("Unknown keys"),
    message("Conflicts"),
)
"""The names of the figures; those of seven days are in the order of `Uncounted`."""
_SENDERS = {key: kind for key, kind in KINDS.items() if kind.with_token}
_TOKENS = (
    Column("prefix", message("Token prefix"), classes="t-prefix", cell=cells.code(cells.text("prefix") + "…")),
    Column("created", message("Created"), classes="t-created", attributes=cells.exact("created_exact")),
    Column("status", message("Status"), classes="t-status", cell=cells.status()),
    Column(
        "actions", message("Actions"), classes="t-act num", hidden_label=True, cell=cells.action("revoke", danger=True)
    ),
)
_REJECTED = (
    Column("reason", message("Reason"), classes="r-reason", attributes='lang="en"'),
    Column("count", message("Events"), classes="num r-count"),
    Column("first", message("First"), classes="r-first", attributes=cells.exact("first_exact")),
    Column("last", message("Last"), classes="r-last", attributes=cells.exact("last_exact")),
    Column("example", message("Example"), classes="r-event", cell=cells.code(cells.name("example"))),
)  # fmt: skip


@router.page(GATEWAYS.path + "/{gateway_id}")
async def gateway_page(viewer: Administrator, gateway_id: int) -> None:
    """Show an administrator one gateway."""
    if not 0 < gateway_id < 2**63:
        raise NotFound
    formats = Formats.of(viewer)

    async def load() -> GatewayView:
        return await in_reading(load_gateway, viewer.actor, gateway_id, utc_now())

    first = await load()
    with frame(title_of(first.name), viewer, section=GATEWAYS) as head:
        updated = head.updated(only_stale=True)
        notice = Notice()
        health = Health(first.name, formats)
        tokens = None if first.name == OWN_REPORTS else Tokens(viewer, first, notice, formats)
        rejected = RejectedTable(formats)

        def show(view: GatewayView, now: datetime) -> None:
            health.show(view, now)
            rejected.show(view.rejected, now)
            if tokens is not None:
                tokens.show(view.tokens, now)

        await live(("gateway", viewer.id, gateway_id), load, show, updated)


class Health:
    """The card that shows whether it reports, and how many events are not counted."""

    def __init__(self, name: str, formats: Formats) -> None:
        """Draw the card of the gateway of this name, without figures."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Reports"), data_testid="gateway-health"):
            with tag("div", "mp-card__head"):
                self._light = ConnectionLight(formats)
            with tag("div", "mp-card__body"):
                self._values = known_facts(*map(say, _FACTS))
            with tag("p", "mp-card__foot") as self._foot:
                Text("span", _("Events with unknown keys and conflicts are kept."))
                tag("a", "", _("Show them"), href=f"{HELD.path}?gateway={quote(name)}")

    def show(self, view: GatewayView, now: datetime) -> None:
        """Show newer figures."""
        f = self._formats
        self._light.show(view.connection)
        texts = (
            f.moment(view.reported_at, now) if view.reported_at else _("Never"),
            view.mode,
            f.tenths(view.pace.per_minute),
            f.lag(view.pace.lag),
            *map(f.number, view.lately),
            self._held(view.unattributed),
            self._held(view.conflicts),
        )
        for value, text in zip(self._values, texts, strict=True):
            value.show(text)
        self._foot.set_visibility(bool(view.unattributed or view.conflicts))

    def _held(self, count: int) -> str:
        return _("{count} or more", count=count) if count >= MOST_HELD else self._formats.number(count)


class RejectedTable:
    """Why events were rejected: one row for each reason, the newest first."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Rejected events")):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", _("Rejected events"))
                Text("p", _("They are not counted. Fix the sender.")).classes("mp-card__sub")
            self._table = data_table("rejected", _REJECTED, test_id="rejected-table", label=_("Rejected events"))
            about = _("Rejected events are listed here, with the reason.")
            self._table.when_empty("ok", _("Nothing was rejected"), about)

    def show(self, reasons: tuple[RejectedView, ...], now: datetime) -> None:
        """Show newer rows."""
        f = self._formats
        self._table.show_rows(
            [
                {
                    "id": each.reason,
                    "reason": each.reason,
                    "count": f.number(each.count),
                    "first": f.moment(each.first_at, now),
                    "first_exact": f.exact(each.first_at),
                    "last": f.moment(each.last_at, now),
                    "last_exact": f.exact(each.last_at),
                    "example": each.example_id or NOTHING,
                }
                for each in reasons
            ]
        )


class Tokens:
    """The tokens of a gateway; a new one is shown with its snippets."""

    def __init__(self, viewer: Viewer, gateway: GatewayView, notice: Notice, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._viewer, self._gateway, self._notice, self._formats = viewer, gateway, notice, formats
        with tag("section", "mp-card", aria_label=_("Tokens")):
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", _("Tokens"))
                    about = _("To replace a token, create a new one, use it in the gateway, then revoke the old one.")
                    Text("p", about).classes("mp-card__sub")
                opener = button(_("New token"), self._make, icon="plus")
            self._table = data_table("tokens", _TOKENS, test_id="tokens-table", label=_("Tokens"))
            self._table.when_empty("lock", _("No tokens"), _("Nothing can report under this name until it has one."))
        self._new = NewToken(opener)
        self._revoking = Confirmation(_("Keep token"), _("Revoke token"), home=opener)
        self._table.on("revoke", self._ask)

    def show(self, tokens: tuple[TokenView, ...], now: datetime) -> None:
        """Show newer rows."""
        self._table.show_rows([self._row(token, now) for token in reversed(tokens)])

    def _row(self, token: TokenView, now: datetime) -> dict[str, Any]:
        f, off = self._formats, token.revoked_at is not None
        return {
            "id": token.prefix,
            "prefix": token.prefix,
            "created": f.moment(token.created_at, now),
            "created_exact": f.exact(token.created_at),
            "status": _("Revoked {day}", day=f.date_of(token.revoked_at)) if token.revoked_at else _("Active"),
            "icon": icon_name("ban" if off else "check"),
            "off": off,
            "revoke": "" if off else _("Revoke"),
            "revoke_label": _("Revoke {key}", key=token.prefix),
        }

    async def _make(self) -> None:
        token = await in_transaction(create_gateway_token, self._viewer.actor, self._gateway.id, utc_now())
        self._new.open(Values(public_address(), token, self._gateway.name, self._viewer.username))
        await refresh_all(self._viewer.id)

    def _ask(self, event: events.GenericEventArguments) -> None:
        prefix = str(event.args)[:16]

        async def revoke() -> None:
            actor, gateway_id = self._viewer.actor, self._gateway.id
            await in_transaction(revoke_gateway_tokens, actor, gateway_id, utc_now(), prefix=prefix)
            self._notice.say(_("The token {prefix}… has been revoked. What it has reported stays.", prefix=prefix))
            await refresh_all(self._viewer.id)

        question = _("Whatever reports with it gets 401 from now on. This cannot be undone.")
        self._revoking.ask(_("Revoke this token?"), question, revoke, code=f"{prefix}…")


class NewToken:
    """Shows a token in its snippets, the only time it can be seen."""

    def __init__(self, home: ui.button) -> None:
        """Draw the dialog closed and empty."""
        self._values: Values | None = None
        self._dialog = Dialog(_("Token created"), must_answer=True, home=home)
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                Text("div", _("It is shown only now. The older tokens still work."))
            names = {key: kind.name for key, kind in _SENDERS.items()}
            self._kind = Choice(_("Kind of gateway"), names, next(iter(names)), self._show)
            self._snippets = Snippets()
            self._copied = Notice()
        with self._dialog.foot:
            button(_("Done"), self._close, kind="primary")
        ui.on("portal-copied", self._say)

    def open(self, values: Values) -> None:
        """Show a token that was just created."""
        self._values = values
        self._copied.clear()
        self._show(self._kind.chosen)
        self._dialog.open()

    def _show(self, kind: str) -> None:
        if self._values is not None:
            self._snippets.show(_SENDERS[kind], self._values)

    def _close(self) -> None:
        self._values = None
        self._dialog.window.client.outbox.message_history.clear()  # NiceGUI keeps what it sent
        self._snippets.clear()
        self._dialog.close()

    def _say(self, event: events.GenericEventArguments) -> None:
        say_copied(self._copied, event)
