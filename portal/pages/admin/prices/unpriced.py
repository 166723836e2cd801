"""The requests that have no cost, and the button that prices them."""

from collections.abc import Awaitable, Callable

from portal.actions.spending.prices import repair_costs
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import NotSignedIn, PortalError
from portal.pages.components import cells
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, button, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.rules.spending.price_list import UnpricedModel
from portal.settings import settings
from portal.views.people.accounts import Viewer
from portal.words import _, plural, say
from portal.words.formats import Formats

_COLUMNS = (
    Column("model", message("Model"), classes="u-model", cell=cells.name("model")),
    Column("requests", message("Requests without a price"), classes="num u-requests"),
)


class UnpricedCard:
    """A table of the models of requests without a cost; hidden if there are none."""

    def __init__(self, viewer: Viewer, formats: Formats, refresh: Callable[[], Awaitable[None]]) -> None:
        """Draw it hidden; `refresh` loads the page again after a repair."""
        self._viewer = viewer
        self._formats = formats
        self._refresh = refresh
        self._total = 0
        self._message = Notice()
        title = _("Requests without a price")
        with tag("section", "mp-card", id="unpriced", data_testid="unpriced", aria_label=title) as self._card:
            with tag("div", "mp-card__head mp-card__head--table"):
                with tag("div"):
                    Text("h2", title)
                    about = _(
                        "No price was in force when they were made. Enter a price with an earlier day, then price them."
                    )
                    Text("p", about).classes("mp-card__sub")
                self._button = button(_("Price them now"), self._repair, icon="refresh")
            self._table = data_table("unpriced", _COLUMNS, test_id="unpriced-table", label=title)
        self._card.set_visibility(False)

    def show(self, models: tuple[UnpricedModel, ...]) -> None:
        """Show newer counts."""
        self._total = sum(row.requests for row in models)
        self._card.set_visibility(bool(models))
        number = self._formats.number
        self._table.show_rows([{"id": r.model, "model": r.model, "requests": number(r.requests)} for r in models])

    async def _repair(self) -> None:
        """Price all requests in batches, and show how many are done."""
        set_props(self._button, loading=True)
        repaired = left = 0
        last = None
        try:
            while True:
                zone = settings().budget_zone
                batch = await in_transaction(repair_costs, self._viewer.actor, last, zone, utc_now())
                repaired, left, last = repaired + batch.repaired, left + batch.left, batch.last
                if last is None:
                    break
                done, total = self._formats.number(repaired + left), self._formats.number(self._total)
                self._message.say(_("{done} of {total} requests …", done=done, total=total), "info")
        except NotSignedIn:
            raise
        except PortalError as error:
            self._message.say(say(error.sentence), "crit")
            return
        finally:
            set_props(self._button, loading=False)
        text = plural("{count} request has a cost now.", "{count} requests have a cost now.", repaired)
        if left:
            more = plural("For {count} there is still no price.", "For {count} there is still no price.", left)
            text = f"{text} {more}"
        self._message.say(text, "warn" if left else "ok")
        await self._refresh()
