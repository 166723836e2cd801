"""Held Events: reports that could not be counted, with what they say about their owner, to assign or to dismiss."""

from datetime import datetime
from typing import Any

from nicegui import events
from starlette.requests import Request

from portal.db.sql.session import in_reading
from portal.pages.admin.held.dialogs import AssignHeld, DismissHeld, HeldBody, Settling
from portal.pages.components import cells
from portal.pages.components.bulk.selection import SelectableList, choice_column
from portal.pages.components.filters import FilterBar
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.listing import Place
from portal.pages.components.parts import button
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column
from portal.pages.components.table_list import sorted_column, table_listing
from portal.pages.navigation import HELD
from portal.pages.routing import PageRouter
from portal.rules.lists import ListFilter
from portal.rules.messages import message
from portal.rules.metering.held_list import EVERY_STATE, HELD_LIST, SETTLED
from portal.views.metering.held import HeldRow, load_gateway_names, load_held_list
from portal.views.people.accounts import Viewer
from portal.web.visitors import Administrator
from portal.words import _, plural, say
from portal.words.formats import NOTHING
from portal.words.labels import HELD_REASONS

router = PageRouter()

LISTING = table_listing(HELD.path, HELD_LIST, load_held_list, "/admin/api/held/export")

_COLUMNS = (
    choice_column(),
    sorted_column("received", message("Received"), classes="h-received", attributes=cells.exact("received_exact")),
    sorted_column("gateway", message("Gateway"), classes="h-gateway", cell=cells.name("gateway", flows=True)),
    Column("reason", message("Reason"), classes="h-reason", cell=cells.badge(cells.text("reason"))),
    Column("owner", message("User or key"), classes="h-owner", cell=cells.name("owner", flows=True)),
    Column("model", message("Model"), classes="h-model", cell=cells.name("model", flows=True)),
    Column("tokens", message("Tokens"), classes="num h-tokens"),
    sorted_column("requested", message("Requested"), classes="h-requested", attributes=cells.exact("requested_exact")),
    Column("event", message("Event"), classes="h-event", cell=cells.code(cells.name("event"))),
    Column("look", message("Actions"), classes="h-look num", hidden_label=True, cell=cells.action("look")),
)


@router.page(HELD.path)
async def held_page(request: Request, viewer: Administrator) -> None:
    """Show an administrator the held events."""
    place, complaint = LISTING.read(request.query_params)
    gateways = await in_reading(load_gateway_names, viewer.actor)
    with frame(HELD, viewer) as head:
        await HeldList(viewer, place, gateways).open(head, complaint)


class HeldList(SelectableList[HeldRow]):
    """The filters, the table of the events, and the dialogs that show and settle them."""

    name = "held"
    test_id = "held-table"
    label = message("Held Events")
    rules = HELD_LIST
    columns = _COLUMNS
    none_yet = (
        message("Nothing is held"),
        message("Events with an unknown key, and contradictions of stored events, wait here for a decision."),
    )

    def __init__(self, viewer: Viewer, place: Place[ListFilter], gateways: list[str]) -> None:
        """Start at `place`; `gateways` are those to choose from."""
        super().__init__(LISTING, viewer, place)
        self._gateways = gateways
        self._rows: dict[int, HeldRow] = {}

    def draw(self) -> None:
        """Draw the list and the dialogs."""
        notice = Notice()
        super().draw()
        settling = Settling(self.viewer, notice, self.changed, self._assign)
        self._assigning, self._dismissing = AssignHeld(settling), DismissHeld(settling)
        self._body = HeldBody(self.viewer, self.formats, self._assigning, self._dismissing)
        self.table.on("look", self._look)

    def draw_filters(self, bar: FilterBar[ListFilter]) -> None:
        """Draw the choices of gateway, reason and state."""
        bar.choice("gateway", _("Gateway"), {"": _("All")} | {name: name for name in self._gateways}, names=True)
        reasons = {reason: say(words) for reason, words in HELD_REASONS.items()}
        bar.choice("reason", _("Reason"), {"": _("All")} | reasons, names=False)
        states = {"": _("Waiting"), SETTLED: _("Settled"), EVERY_STATE: _("All")}
        bar.choice("state", _("State"), states, names=False)

    def draw_actions(self) -> None:
        """Draw the buttons that settle the chosen events."""
        self._assign = button(
            _("Assign"), lambda: self._assigning.open(self.chosen, self.chosen_count, self.place.wanted)
        )
        button(_("Dismiss"), lambda: self._dismissing.open(self.chosen, self.chosen_count, self.place.wanted))

    def chosen_words(self, count: int) -> str:
        """Return how many events are chosen, in words."""
        return plural("{count} event chosen", "{count} events chosen", count)

    def choose_label(self, row: HeldRow) -> str:
        """Return the name of the box of an event."""
        return _("Choose event {number}", number=str(row.number))

    def counted(self, total: int) -> str:
        """Return the number of events in words."""
        return plural("{count} event", "{count} events", total)

    def cells(self, row: HeldRow, now: datetime) -> dict[str, Any]:
        """Return the values of an event."""
        f = self.formats
        self._rows[row.number] = row
        return {
            "id": row.number,
            "received": f.moment(row.received_at, now),
            "received_exact": f.exact(row.received_at),
            "gateway": row.gateway,
            "reason": say(HELD_REASONS[row.reason]),
            "owner": row.username or (_("Key {digest}…", digest=row.key) if row.key else NOTHING),
            "model": row.model,
            "tokens": f.number(row.tokens),
            "requested": f.moment(row.requested_at, now),
            "requested_exact": f.exact(row.requested_at),
            "event": row.id,
            "off": row.settled_at is not None,
            "look": _("Details"),
            "look_label": _("Details of event {number}", number=str(row.number)),
        }

    async def _look(self, event: events.GenericEventArguments) -> None:
        row = self._rows.get(event.args) if isinstance(event.args, int) else None
        if row is not None:
            await self._body.open(row)
