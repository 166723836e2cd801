"""Gateways: which programs report usage, whether they still do, and which of them sends what cannot be taken."""

from datetime import datetime
from typing import Any

from nicegui import APIRouter

from portal.clock import utc_now
from portal.db.sql.session import in_reading
from portal.pages.addresses import CONNECT
from portal.pages.components.live import live
from portal.pages.components.names import name_cell
from portal.pages.components.parts import Text, empty, icon, tag
from portal.pages.components.shell.frame import frame
from portal.pages.components.table import Column, data_table, show_rows
from portal.pages.navigation import GATEWAYS
from portal.rules.reporters import OWN_REPORTS
from portal.rules.text import noun
from portal.views.gateways import GatewayRow, load_gateways
from portal.web.visitors import Administrator
from portal.words.formats import Formats

router = APIRouter()

_COLUMNS = (
    Column(
        "name",
        "Name",
        classes="g-name",
        cell=f'<a :href="props.row.address">{name_cell("name", flows=True)}</a>',
    ),
    Column("mode", "Mode", classes="g-mode", cell=name_cell("mode", flows=True)),
    Column(
        "tokens",
        "Tokens",
        classes="g-tokens num",
        heading="num",
        cell='{{ props.row.tokens }}<span class="mp-only-phone">{{ props.row.unit }}</span>',
    ),
    Column("reported", "Last report", classes="g-reported", attributes=':title="props.row.reported_exact"'),
    Column(
        "rejected",
        "Rejected, 7 days",
        classes="g-rejected num",
        heading="num",
        cell="<span :class=\"{'g-bad': props.row.has_rejected}\">{{ props.row.rejected }}</span>"
        '<span class="mp-only-phone">rejected</span>',
    ),
)


@router.page(GATEWAYS.path)
async def gateways_page(viewer: Administrator) -> None:
    """Show an administrator all gateways."""
    formats = Formats.of(viewer)

    async def load() -> tuple[GatewayRow, ...]:
        return await in_reading(load_gateways, viewer.id, utc_now())

    with frame(GATEWAYS, viewer) as head:
        updated = head.updated(only_stale=True)
        with head.side:
            connect_link()
        table = GatewaysTable(formats)
        await live(("gateways", viewer.id), load, table.show, updated)


def connect_link() -> None:
    """Draw the way to connect another one."""
    with tag("a", "mp-btn mp-btn--primary", href=CONNECT):
        icon("plus")
        Text("span", "Connect gateway")


class GatewaysTable:
    """All gateways by name, each of which leads to its page."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label="Gateways"):
            with tag("div", "mp-card__head"):
                Text("p", "Programs that serve requests and report them here, each with tokens of its own.").classes(
                    "mp-muted"
                )
            self._table = data_table("gateways", _COLUMNS, test_id="gateways-table", label="Gateways")
            with empty("chart", "No gateways yet", "Connect one in five minutes by copying a snippet.") as self._empty:
                connect_link()
        self._empty.set_visibility(False)

    def show(self, rows: tuple[GatewayRow, ...], now: datetime) -> None:
        """Put newer rows in place."""
        self._table.set_visibility(bool(rows))
        self._empty.set_visibility(not rows)
        show_rows(self._table, [self._row(row, now) for row in rows])

    def _row(self, row: GatewayRow, now: datetime) -> dict[str, Any]:
        f = self._formats
        return {
            "id": row.id,
            "name": title_of(row.name),
            "address": f"{GATEWAYS.path}/{row.id}",
            "mode": row.mode,
            "tokens": f.number(row.tokens) if row.tokens else "–",
            "unit": noun(row.tokens, "token"),
            "reported": f.moment(row.reported_at, now) if row.reported_at else "Never" if row.tokens else "–",
            "reported_exact": f.exact(row.reported_at),
            "rejected": f.number(row.rejected),
            "has_rejected": row.rejected > 0,
        }


def title_of(name: str) -> str:
    """Return what a gateway is called on pages."""
    return "People’s own reports" if name == OWN_REPORTS else name
