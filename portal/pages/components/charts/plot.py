"""A Plotly chart, drawn by the JavaScript in `static/plotly`, which is the npm package `plotly.js-basic-dist-min`.

Decision: not `ui.plotly`, which serves a bundle of 4.6 MB with maps and 3D. The basic one of 1.1 MB has bars and lines.
"""

from typing import Any

from nicegui.element import Element

from portal.pages.components.assets import static


class Plot(Element, component="plot.js"):
    """Draws `figure`, which has `data`, `layout` and `config`; the event `point` has the index of a clicked bar."""

    def __init__(self, figure: dict[str, Any]) -> None:
        """Draw a figure; after changes to it, `draw` shows them."""
        super().__init__()
        self.figure = figure
        self._props["library"] = static("plotly/plotly-basic.min.js")
        self.classes("js-plotly-plot")  # Plotly adds it too, but the next change of the classes would remove that
        self.draw()

    def draw(self) -> None:
        """Show the figure as it is now."""
        self._props["figure"] = self.figure
