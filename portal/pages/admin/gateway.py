"""One gateway: does it report, with which tokens, and why was something of it not taken?"""

from datetime import datetime
from typing import Any

from nicegui import APIRouter, events, ui

from portal.actions.gateways import create_gateway_token, revoke_gateway_tokens
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import NotFound
from portal.pages.admin.connect import Choice, ConnectionLight, Snippets, public_address, say_copied
from portal.pages.admin.gateways import title_of
from portal.pages.admin.snippets import GATEWAYS as KINDS
from portal.pages.admin.snippets import Values
from portal.pages.components import cells
from portal.pages.components.inputs.dialogs import Confirmation, Dialog
from portal.pages.components.inputs.fields import Message
from portal.pages.components.live import live, refresh_all
from portal.pages.components.parts import Text, button, empty, icon, icon_name, known_facts, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table, show_rows
from portal.pages.navigation import GATEWAYS
from portal.rules.reporters import OWN_REPORTS
from portal.views.accounts import Viewer
from portal.views.gateways import MOST_HELD, GatewayView, RejectedView, TokenView, load_gateway
from portal.web.visitors import Administrator
from portal.words.formats import NOTHING, Formats

router = APIRouter()

_LATELY = ("Without counts, 7 days", "Replays, 7 days", "Rejected, 7 days", "No usage, 7 days")
"""What the counts of the last days are called, in the order of `Uncounted`."""
_SENDERS = {key: kind for key, kind in KINDS.items() if kind.with_token}
_TOKENS = (
    Column("prefix", "Token prefix", classes="t-prefix", cell=cells.code(cells.text("prefix") + "…")),
    Column("created", "Created", classes="t-created", attributes=cells.exact("created_exact")),
    Column(
        "status",
        "Status",
        classes="t-status",
        cell=cells.status(),
    ),
    Column(
        "actions",
        "Actions",
        classes="t-act num",
        heading="num",
        hidden_label=True,
        cell=cells.action("revoke", danger=True),
    ),
)
_REJECTED = (
    Column("reason", "Reason", classes="r-reason"),
    Column("count", "Events", classes="num r-count", heading="num"),
    Column("first", "First", classes="r-first", attributes=cells.exact("first_exact")),
    Column("last", "Last", classes="r-last", attributes=cells.exact("last_exact")),
    Column("example", "Example", classes="r-event", cell=cells.code(cells.name("example"))),
)  # fmt: skip


@router.page(GATEWAYS.path + "/{gateway_id}")
async def gateway_page(viewer: Administrator, gateway_id: int) -> None:
    """Show an administrator one gateway."""
    if not 0 < gateway_id < 2**63:
        raise NotFound
    formats = Formats.of(viewer)

    async def load() -> GatewayView:
        return await in_reading(load_gateway, viewer.id, gateway_id, utc_now())

    first = await load()
    with frame(title_of(first.name), viewer, section=GATEWAYS) as head:
        updated = head.updated(only_stale=True)
        said = Message()
        health = Health(formats)
        tokens = None if first.name == OWN_REPORTS else Tokens(viewer, first, said, formats)
        rejected = RejectedTable(formats)

        def show(view: GatewayView, now: datetime) -> None:
            health.show(view, now)
            rejected.show(view.rejected, now)
            if tokens is not None:
                tokens.show(view.tokens, now)

        await live(("gateway", viewer.id, gateway_id), load, show, updated)


class Health:
    """Whether it reports, and how much of it is not counted."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card without figures."""
        self._formats = formats
        with tag("section", "mp-card", aria_label="Reports", data_testid="gateway-health"):
            with tag("div", "mp-card__head"):
                self._light = ConnectionLight(formats)
            with tag("div", "mp-card__body"):
                self._values = known_facts("Last report", "Mode", *_LATELY, "Unknown keys", "Conflicts")
            with tag("p", "mp-card__foot") as self._foot:
                Text("span", "What is kept because of unknown keys, and conflicts, is listed by")
                Text("code", "portal held list").classes("mp-mono")

    def show(self, view: GatewayView, now: datetime) -> None:
        """Put newer figures in place."""
        f = self._formats
        self._light.show(view.connection)
        texts = (
            f.moment(view.reported_at, now) if view.reported_at else "Never",
            view.mode,
            *map(f.number, view.lately),
            self._held(view.unattributed),
            self._held(view.conflicts),
        )
        for value, text in zip(self._values, texts, strict=True):
            value.show(text)
        self._foot.set_visibility(bool(view.unattributed or view.conflicts))

    def _held(self, count: int) -> str:
        number = self._formats.number(count)
        return f"{number} or more" if count >= MOST_HELD else number


class RejectedTable:
    """Why events could not be taken: one row for each reason, the newest first."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label="Rejected events"):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", "Rejected events")
                Text("p", "They are not counted. Fix what sends them.").classes("mp-card__sub")
            self._table = data_table("rejected", _REJECTED, test_id="rejected-table", label="Rejected events")
            self._empty = empty("ok", "Nothing was rejected", "What cannot be taken is listed here, with the reason.")
        self._empty.set_visibility(False)

    def show(self, reasons: tuple[RejectedView, ...], now: datetime) -> None:
        """Put newer rows in place."""
        f = self._formats
        self._table.set_visibility(bool(reasons))
        self._empty.set_visibility(not reasons)
        show_rows(
            self._table,
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
            ],
        )


class Tokens:
    """The tokens of a gateway, and what to copy with a new one."""

    def __init__(self, viewer: Viewer, gateway: GatewayView, said: Message, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._viewer, self._gateway, self._said, self._formats = viewer, gateway, said, formats
        with tag("section", "mp-card", aria_label="Tokens"):
            with tag("div", "mp-card__head"):
                with ui.element("div"):
                    Text("h2", "Tokens")
                    Text("p", "To change one, make another, put it in place, then revoke the old one.").classes(
                        "mp-card__sub"
                    )
                opener = button("New token", self._make, icon="plus")
            self._table = data_table("tokens", _TOKENS, test_id="tokens-table", label="Tokens")
            self._empty = empty("lock", "No tokens", "Nothing can report under this name until it has one.")
        self._empty.set_visibility(False)
        self._new = NewToken(opener)
        self._revoking = Confirmation("Keep token", "Revoke token", home=opener)
        self._table.on("revoke", self._ask)

    def show(self, tokens: tuple[TokenView, ...], now: datetime) -> None:
        """Put newer rows in place."""
        self._table.set_visibility(bool(tokens))
        self._empty.set_visibility(not tokens)
        show_rows(self._table, [self._row(token, now) for token in reversed(tokens)])

    def _row(self, token: TokenView, now: datetime) -> dict[str, Any]:
        f, off = self._formats, token.revoked_at is not None
        return {
            "id": token.prefix,
            "prefix": token.prefix,
            "created": f.moment(token.created_at, now),
            "created_exact": f.exact(token.created_at),
            "status": f"Revoked {f.date_of(token.revoked_at)}" if token.revoked_at else "Active",
            "icon": icon_name("ban" if off else "check"),
            "off": off,
            "revoke": "" if off else "Revoke",
            "revoke_label": f"Revoke {token.prefix}",
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
            self._said.say(f"The token {prefix}… has been revoked. What it has reported stays.")
            await refresh_all(self._viewer.id)

        question = "Whatever reports with it gets 401 from now on. This cannot be undone."
        self._revoking.ask("Revoke this token?", question, revoke, code=f"{prefix}…")


class NewToken:
    """Shows a token the only time it can be seen, in what is to be copied."""

    def __init__(self, home: ui.button) -> None:
        """Draw the dialog closed and empty."""
        self._values: Values | None = None
        self._dialog = Dialog("Token created", must_answer=True, home=home)
        self._dialog.window.classes("mp-wide")
        with self._dialog.body:
            with tag("div", "mp-msg mp-msg--warn"):
                icon("warn")
                Text("div", "It is shown only now. The older tokens still work.")
            names = {key: kind.name for key, kind in _SENDERS.items()}
            self._kind = Choice("Kind of gateway", names, next(iter(names)), self._show)
            self._snippets = Snippets()
            self._copied = Message()
        with self._dialog.foot:
            button("Done", self._close, kind="primary")
        ui.on("portal-copied", self._say)

    def open(self, values: Values) -> None:
        """Show a token that has just been made."""
        self._values = values
        self._copied.clear()
        self._show(self._kind.chosen)
        self._dialog.open()

    def _show(self, kind: str) -> None:
        if self._values is not None:
            self._snippets.show(_SENDERS[kind], self._values)

    def _close(self) -> None:
        self._values = None
        self._dialog.window.client.outbox.message_history.clear()  # NiceGUI keeps what it has sent
        self._snippets.clear()
        self._dialog.close()

    def _say(self, event: events.GenericEventArguments) -> None:
        say_copied(self._copied, event)
