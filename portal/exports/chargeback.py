"""The monthly report for chargeback as a spreadsheet and as PDF.

The spreadsheet has one row for each person, team and the total, so that it can be filtered and summed. The PDF is for
people: a section for each team. It is built in memory; its font has Latin, Greek and Cyrillic letters, and a name with
others shows a sign in their place.
"""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any

from portal.exports.tables import Euros, as_xlsx
from portal.rules.metering.figures import Figures
from portal.views.metering.chargeback import Chargeback, TeamUsage
from portal.words import _, plural, speaking
from portal.words.formats import Formats

COLUMNS = (
    *("month", "kind", "cost_centre", "team", "username", "name", "requests", "prompt_tokens", "completion_tokens"),
    *("billable_tokens", "cost_eur", "unpriced"),
)
_FONTS = Path(__file__).with_name("fonts")
_FONT = "DejaVuSansCondensed"
_UNKNOWN = 0xFFFD
_WIDTHS = (87.0, 24.0, 40.0, 40.0, 40.0, 46.0)
"""Millimetres of the columns on A4 in landscape."""
_LINE = 5.5
_SIZE = 8.0
_SMALLEST = 4.0
_GREY = 245


def chargeback_xlsx(report: Chargeback) -> Generator[bytes]:
    """Yield the report as an Excel workbook, in pieces."""
    return as_xlsx("Chargeback", COLUMNS, _rows(report))


def _rows(report: Chargeback) -> Iterator[list[Any]]:
    month = f"{report.month:%Y-%m}"
    for team in report.teams:
        about = (team.cost_centre or None, team.name or None)
        for person in team.people:
            yield [month, "person", *about, person.username, person.name, *_numbers(person.figures)]
        yield [month, "team", *about, None, None, *_numbers(team.figures)]
    yield [month, "total", None, None, None, None, *_numbers(report.totals)]


def _numbers(sums: Figures) -> list[Any]:
    counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.tokens)
    return [*counts, Euros(sums.cost_nano_eur), sums.unpriced]


def chargeback_pdf(report: Chargeback, formats: Formats) -> bytes:
    """Return the report as PDF, in the language of the formats."""
    with speaking(formats.locale.language):
        return _Paper(report, formats).draw()


class _Paper:
    """The pages of a report."""

    def __init__(self, report: Chargeback, formats: Formats) -> None:
        from fpdf import FPDF  # noqa: PLC0415  # takes 30 MB of memory, and is used once a month

        self._report, self._formats = report, formats
        self._pdf = pdf = FPDF(orientation="landscape", format="A4")
        pdf.footer = self._foot  # type: ignore[method-assign]  # a subclass would import fpdf with this module
        pdf.set_margins(10, 12)
        pdf.set_auto_page_break(False)
        for style, name in (("", _FONT), ("B", f"{_FONT}-Bold")):
            pdf.add_font("sans", style, _FONTS / f"{name}.ttf")
        self._letters = pdf.fonts["sans"].cmap  # type: ignore[union-attr]  # the fonts of files have one
        pdf.set_title(self._title)
        pdf.set_lang(formats.locale.language)
        pdf.set_creation_date(report.made_at)

    @property
    def _title(self) -> str:
        return _("Usage in {month}", month=self._formats.month_of_year(self._report.month))

    def draw(self) -> bytes:
        """Draw all pages."""
        self._page()
        self._heading()
        for team in self._report.teams:
            self._team(team)
        if not self._report.teams:
            self._write(_("No usage in this range"))
        self._room(2)
        self._pdf.ln(2)
        self._row(_("Total"), self._report.totals, is_bold=True, fill=True)
        return bytes(self._pdf.output())

    def _page(self) -> None:
        self._pdf.add_page()
        labels = (_("Team / person"), _("Requests"), _("Prompt"), _("Completion"), _("Billable"), _("Cost"))
        if self._pdf.page > 1:
            self._cells(labels, is_bold=True)

    def _foot(self) -> None:
        """Number a page; the library replaces `{nb}` by the number of pages."""
        self._pdf.set_y(-10)
        self._pdf.set_font("sans", "", 7)
        text = _("Page {number} of {pages}", number=str(self._pdf.page_no()), pages="{nb}")
        self._pdf.cell(0, 4, text, align="R")

    def _heading(self) -> None:
        pdf, f, report = self._pdf, self._formats, self._report
        pdf.set_font("sans", "B", 16)
        pdf.cell(0, 8, self._text(self._title), new_x="LMARGIN", new_y="NEXT")
        parts = (report.organisation, _("Made on {time}", time=f.exact(report.made_at)))
        self._write(" · ".join(filter(None, parts)))
        self._write(
            _(
                "Tokens are billable tokens or, as prompt and completion, raw ones. Days end in {zone}.",
                zone=f.budget_zone.key,
            )
        )
        if report.totals.unpriced:
            count = report.totals.unpriced
            self._write(
                plural(
                    "{count} request has no price yet, and is not in the cost.",
                    "{count} requests have no price yet, and are not in the cost.",
                    count,
                )
            )
        pdf.ln(3)
        labels = (_("Team / person"), _("Requests"), _("Prompt"), _("Completion"), _("Billable"), _("Cost"))
        self._cells(labels, is_bold=True)

    def _team(self, team: TeamUsage) -> None:
        self._room(3)
        centre = _("Cost centre {name}", name=team.cost_centre) if team.cost_centre else ""
        self._row(" · ".join(filter(None, (team.name or _("No team"), centre))), team.figures, is_bold=True, fill=True)
        for person in team.people:
            name = person.username if person.name in {"", person.username} else f"{person.name} ({person.username})"
            self._row(name, person.figures)

    def _row(self, name: str, sums: Figures, *, is_bold: bool = False, fill: bool = False) -> None:
        f = self._formats
        counts = (sums.requests, sums.prompt_tokens, sums.completion_tokens, sums.tokens)
        self._cells((name, *map(f.number, counts), f.exact_eur(sums.cost_nano_eur)), is_bold=is_bold, fill=fill)

    def _cells(self, texts: Sequence[str], *, is_bold: bool = False, fill: bool = False) -> None:
        """Draw a row: a long name takes several lines, a long number is drawn smaller."""
        pdf, style = self._pdf, "B" if is_bold else ""
        pdf.set_font("sans", style, _SIZE)
        name = self._text(texts[0])
        lines: Any = pdf.multi_cell(_WIDTHS[0], _LINE, name, dry_run=True, output="LINES")
        height = _LINE * max(len(lines), 1)
        self._room(len(lines))
        pdf.set_font("sans", style, _SIZE)
        left, top = pdf.l_margin, pdf.get_y()
        pdf.set_fill_color(_GREY)
        if fill:
            pdf.rect(left, top, sum(_WIDTHS), height, style="F")
        pdf.multi_cell(_WIDTHS[0], _LINE, name, align="L")
        for number, (text, width) in enumerate(zip(texts[1:], _WIDTHS[1:], strict=True), 1):
            self._fit(text, width - 2, style)
            pdf.set_xy(left + sum(_WIDTHS[:number]), top)
            pdf.cell(width, _LINE, self._text(text), align="R")
        pdf.set_draw_color(220)
        pdf.line(left, top + height, left + sum(_WIDTHS), top + height)
        pdf.set_xy(left, top + height)

    def _fit(self, text: str, width: float, style: str) -> None:
        """Choose the largest size in which a number is no wider than `width`."""
        self._pdf.set_font("sans", style, _SIZE)
        drawn = self._pdf.get_string_width(self._text(text))
        self._pdf.set_font("sans", style, max(_SIZE * min(1, width / drawn if drawn else 1), _SMALLEST))

    def _room(self, lines: int) -> None:
        """Begin another page if these lines do not fit on this one."""
        if self._pdf.get_y() + lines * _LINE > self._pdf.h - 14:
            self._page()

    def _write(self, text: str) -> None:
        self._pdf.set_font("sans", "", _SIZE)
        self._pdf.multi_cell(0, _LINE, self._text(text), new_x="LMARGIN", new_y="NEXT")

    def _text(self, text: str) -> str:
        """Return a text with a sign in place of each letter that the font lacks."""
        return "".join(letter if ord(letter) in self._letters else chr(_UNKNOWN) for letter in text)
