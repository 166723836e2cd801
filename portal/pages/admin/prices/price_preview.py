"""The effect of a planned price on last month, model by model."""

from portal.pages.components import cells
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.parts import Text, tag
from portal.pages.components.table import Column, data_table
from portal.rules.messages import message
from portal.views.spending.price_preview import PreviewView
from portal.words import _, context, plural
from portal.words.formats import Formats

MOST_ROWS = 6

_COLUMNS = (
    Column("model", message("Model"), classes="pp-model", cell=cells.name("model")),
    Column("tokens", message("Tokens"), classes="num pp-tokens"),
    Column("cost", message("Cost"), classes="num pp-cost", attributes=cells.exact("cost_exact")),
    Column("then", message("With this price"), classes="num pp-then", attributes=cells.exact("then_exact")),
    Column("difference", message("Difference"), classes="num pp-difference"),
)


class PreviewPart:
    """A table of the models that a price matters to, with the total of all models."""

    def __init__(self, formats: Formats) -> None:
        """Draw it without figures."""
        self._formats = formats
        with tag("section", "p-preview", data_testid="price-preview", aria_label=_("Effect on last month")):
            self._title = Text("h3", "")
            self._table = data_table(
                "preview", _COLUMNS, test_id="preview-table", label=_("Effect on last month"), has_total=True
            )
            self._more = Text("p", "").classes("mp-hint")
            self._past = Notice()
        self.clear()

    def clear(self) -> None:
        """Show that there is no price to preview yet."""
        self._title.show(_("The effect on last month appears here."))
        self._table.set_visibility(False)
        self._more.show("")
        self._past.clear()

    def show(self, found: PreviewView) -> None:
        """Show the effect of a price."""
        f, rows = self._formats, found.affected
        month = f.month_of_year(found.month)
        title = _("No request of {month} would cost anything else.", month=month)
        self._title.show(_("Effect on {month}", month=month) if rows else title)
        self._table.set_visibility(bool(rows))
        self._table.show_rows(
            [
                {
                    "id": row.model,
                    "model": row.model,
                    "tokens": f.number(row.figures.tokens),
                    "cost": f.cost(row.figures),
                    "cost_exact": f.exact_eur(row.figures.cost_nano_eur),
                    "then": f.eur(row.would_cost),
                    "then_exact": f.exact_eur(row.would_cost),
                    "difference": self._difference(row.difference),
                }
                for row in rows[:MOST_ROWS]
            ]
        )
        self._table.show_state(
            model=context("sum of a table", "Total"),
            tokens=f.number(found.total.tokens),
            cost=f.cost(found.total),
            cost_exact=f.exact_eur(found.total.cost_nano_eur),
            then=f.eur(found.would_cost),
            then_exact=f.exact_eur(found.would_cost),
            difference=self._difference(found.difference),
        )
        self._more.show(self._notes(found))
        if found.is_past:
            self._past.say(_("This day has begun already. Costs that are stored stay as they are."), "warn")
        else:
            self._past.clear()

    def _notes(self, found: PreviewView) -> str:
        hidden, others = len(found.affected) - MOST_ROWS, len(found.models) - len(found.affected)
        pruned = sum(row.pruned for row in found.models)
        notes = []
        if hidden > 0:
            notes.append(plural("{count} more model is in the total.", "{count} more models are in the total.", hidden))
        if found.affected and others:
            notes.append(plural("{count} other model keeps its cost.", "{count} other models keep their cost.", others))
        if found.would_unpriced:
            text = ("{count} request would have no price.", "{count} requests would have no price.")
            notes.append(plural(*text, found.would_unpriced))
        if pruned:
            text = ("{count} pruned request keeps its cost.", "{count} pruned requests keep their cost.")
            notes.append(plural(*text, pruned))
        return " ".join(notes)

    def _difference(self, nano_eur: int) -> str:
        sign = "+" if nano_eur > 0 else "−" if nano_eur < 0 else "±"
        return f"{sign}{self._formats.eur(abs(nano_eur))}"
