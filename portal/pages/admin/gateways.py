"""Gateways: the table of programs that report usage, with their last reports and rejected events."""

from datetime import datetime
from typing import Any

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.addresses import NEW_GATEWAY
from portal.pages.components import cells
from portal.pages.components.live import live
from portal.pages.components.parts import Text, icon, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import GATEWAYS
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.rules.metering.reporters import OWN_REPORTS
from portal.views.metering.gateways import GatewayRow, load_gateways
from portal.web.visitors import Administrator
from portal.words import _, plural
from portal.words.formats import NOTHING, Formats

router = PageRouter()

_COLUMNS = (
    Column("name", message("Name"), classes="g-name", cell=cells.link(cells.name("name", flows=True))),
    Column("mode", message("Mode"), classes="g-mode", cell=cells.name("mode", flows=True)),
    Column(
        "tokens",
        message("Tokens"),
        classes="g-tokens num",
        cell=cells.not_on_phone(cells.text("tokens")) + cells.on_phone(cells.text("tokens_in_words")),
    ),
    Column("token_at", message("Newest token"), classes="g-token", attributes=cells.exact("token_exact")),
    Column("pace", message("Events per minute"), classes="g-pace num"),
    Column("lag", message("Lag"), classes="g-lag num"),
    Column("reported", message("Last report"), classes="g-reported", attributes=cells.exact("reported_exact")),
    Column(
        "rejected",
        message("Rejected, 7 days"),
        classes="g-rejected num",
        cell=cells.span(cells.text("rejected"), mark=("mp-bad", "has_rejected")) + cells.on_phone(cells.text("word")),
    ),
)


@router.page(GATEWAYS.path)
async def gateways_page(viewer: Administrator) -> None:
    """Show an administrator all gateways."""
    formats = Formats.of(viewer)

    async def load() -> tuple[GatewayRow, ...]:
        return await in_reading(load_gateways, viewer.actor, utc_now())

    with frame(GATEWAYS, viewer) as head:
        updated = head.updated(only_stale=True)
        with head.side:
            connect_link()
        table = GatewaysTable(formats)
        await live(("gateways", viewer.id), load, table.show, updated)


def connect_link() -> None:
    """Draw the button that leads to the page for a new gateway."""
    with tag("a", "mp-btn mp-btn--primary", href=NEW_GATEWAY):
        icon("plus")
        Text("span", _("Connect gateway"))


class GatewaysTable:
    """All gateways by name; each row is a link to the gateway's page."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Gateways")):
            with tag("div", "mp-card__head"):
                about = _("Programs that serve requests and report them here, each with tokens of its own.")
                Text("p", about).classes("mp-muted")
            self._table = data_table("gateways", _COLUMNS, test_id="gateways-table", label=_("Gateways"))
            about = _("Connect one in five minutes by copying a snippet.")
            with self._table.when_empty("chart", _("No gateways yet"), about):
                connect_link()

    def show(self, rows: tuple[GatewayRow, ...], now: datetime) -> None:
        """Show newer rows."""
        self._table.show_rows([self._row(row, now) for row in rows])

    def _row(self, row: GatewayRow, now: datetime) -> dict[str, Any]:
        f = self._formats
        return {
            "id": row.id,
            "name": title_of(row.name),
            "href": f"{GATEWAYS.path}/{row.id}",
            "mode": row.mode,
            "tokens": f.number(row.tokens) if row.tokens else NOTHING,
            "tokens_in_words": plural("{count} token", "{count} tokens", row.tokens),
            "token_at": f.moment(row.token_at, now),
            "token_exact": f.exact(row.token_at),
            "pace": f.tenths(row.pace.per_minute),
            "lag": f.lag(row.pace.lag),
            "reported": f.moment(row.reported_at, now) if row.reported_at else _("Never") if row.tokens else NOTHING,
            "reported_exact": f.exact(row.reported_at),
            "rejected": f.number(row.rejected),
            "has_rejected": row.rejected > 0,
            "word": _("rejected"),
        }


def title_of(name: str) -> str:
    """Return the name of a gateway on pages."""
    return _("People’s own reports") if name == OWN_REPORTS else name
