"""The filters of Usage History: what is set stands out, and what is being typed is left alone."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from nicegui import ui
from nicegui.element import Element

from portal.clock import utc_now
from portal.pages.components.inputs.fields import Field, choice_field, text_field
from portal.pages.components.names import Name
from portal.pages.components.parts import Text, button, icon, icon_button, set_props, tag
from portal.rules.periods import DayRange
from portal.rules.usage import FIRST_DAY, LAST_DAY, RANGES, Counts, InvalidFilter, Status, UsageFilter, parse_filter
from portal.words import say
from portal.words.formats import Formats

_AnyField = Field[ui.input] | Field[ui.select]
_OWN_DAYS = ("from", "to")
_BUDGET_DAYS = ("budget_from", "budget_to")
_OVERRULED = {"range": (*_OWN_DAYS, *_BUDGET_DAYS), "from": _BUDGET_DAYS, "to": _BUDGET_DAYS}
"""What a choice takes the place of."""
_ALL = {"": "All"}
_STATUSES = {Status.ALL.value: "All", Status.OK.value: "ok", Status.ERROR.value: "error"}
_TYPING = 300
"""Milliseconds after the last key until what was typed is taken."""
_TYPING_A_DAY = 700


class FilterBar:
    """All filters; each choice is handed to `change` at once."""

    def __init__(self, wanted: UsageFilter, formats: Formats, change: Callable[[UsageFilter], Awaitable[None]]) -> None:
        """Draw the fields; `show` fills them in."""
        self._wanted = wanted
        self._formats = formats
        self._change = change
        self._typed_in: str | None = None
        self._refused: set[str] = set()
        self._is_writing = False
        with tag("div", "mp-filters", role="search", aria_label="Filter requests") as self._bar:
            self._ranges = self._draw_ranges()
            self._count = self._draw_more()
            self._token = self._draw_token()
            self._mode = choice_field("Mode", _ALL, "")
            self._mode.control.add_slot("selected-item", "<mp-name><span>{{ props.opt.label }}</span></mp-name>")
            self._status = choice_field("Status", _STATUSES, Status.ALL.value)
            self._days = {name: self._draw_day(name) for name in _OWN_DAYS}
            self._reset = button("Reset", self._reset_all, kind="ghost").classes("f-more")
        self._chips = tag("div", "mp-chips")
        self._fields: dict[str, _AnyField] = {"token_name": self._token, "mode": self._mode, "status": self._status}
        self._fields |= self._days
        self._held = {name: field.text for name, field in self._fields.items()}
        for name, field in self._fields.items():
            field.element.classes("f-more").props["data-testid"] = f"filter-{name}"
            field.control.on_value_change(lambda event, name=name: self._hear(name, event.value))

    def show(self, wanted: UsageFilter, now: datetime) -> None:
        """Show what is set."""
        self._wanted = wanted
        self._offer(list(self._mode.control.options))
        self._write("token_name", wanted.token_name)
        self._write("mode", wanted.mode)
        self._write("status", wanted.status.value)
        self._show_days(now)
        self._show_marks()
        self._show_chips()

    def show_view(self, modes: Sequence[str], now: datetime) -> None:
        """Show what a load has brought: the modes there are, and the days of the range, which move on at midnight."""
        self._offer(modes)
        self._show_days(now)

    async def _enter(self, name: str, text: str) -> None:
        """Take what was entered; what cannot be read is said beside its field and changes nothing."""
        said = _without(self._wanted.params(), *_OVERRULED.get(name, ()))
        try:
            wanted = parse_filter({**said, name: text.strip()})
        except InvalidFilter as error:
            self._fields[name].refuse(say(error.sentence), focus=False)
            self._refused.add(name)
            self._reset.enable()
            return
        await self._change(wanted)

    def _hear(self, name: str, value: object) -> Awaitable[None] | None:
        """Take what a person typed or chose, as opposed to what was written here."""
        if self._is_writing:
            return None
        self._held[name] = value if isinstance(value, str) else ""
        self._refused.discard(name)
        return self._enter(name, self._held[name])

    def _write(self, name: str, text: str) -> None:
        """Put a text into a field, unless it stands there already or is what the person had entered there."""
        if self._held[name].strip() == text:
            return
        self._held[name] = text
        self._is_writing = True
        self._fields[name].fill(text)
        self._is_writing = False

    async def _drop(self, *names: str) -> None:
        await self._change(parse_filter(_without(self._wanted.params(), *names)))

    async def _reset_all(self) -> None:
        for field in self._fields.values():
            field.accept()
        self._refused.clear()
        self._typed_in = None
        plain = UsageFilter(order=self._wanted.order)
        await self._change(plain)
        self.show(plain, utc_now())

    def _offer(self, modes: Sequence[str]) -> None:
        """Offer all used modes, and those that are set or just chosen even if they were never used."""
        options = _ALL | {mode: mode for mode in sorted({*modes, self._wanted.mode, self._held["mode"]} - {""})}
        if options != self._mode.control.options:
            self._mode.control.set_options(options)

    def _show_days(self, now: datetime) -> None:
        """Show the days that From and To stand for; none while days of the budget zone are shown.

        A field that somebody types in, or that holds something that cannot be read, is left alone.
        """
        wanted, texts = self._wanted, dict.fromkeys(_OWN_DAYS, "")
        if not (wanted.budget_from or wanted.budget_to):
            days = wanted.days(now, self._formats.zone)
            texts = {"from": days.first.isoformat(), "to": days.last.isoformat()}
        for name, text in texts.items():
            if name != self._typed_in and name not in self._refused:
                self._write(name, text)

    def _focus(self, name: str | None) -> None:
        self._typed_in = name
        self._show_days(utc_now())

    def _show_marks(self) -> None:
        wanted = self._wanted
        marks: dict[_AnyField, bool] = {
            self._token: bool(wanted.token_name),
            self._mode: bool(wanted.mode),
            self._status: wanted.status is not Status.ALL,
            self._days["from"]: wanted.from_day is not None,
            self._days["to"]: wanted.to_day is not None,
        }
        for field, is_set in marks.items():
            field.element.classes(add="is-set" if is_set else "", remove="" if is_set else "is-set")
        self._count.show(str(sum(marks.values())))
        self._count.set_visibility(any(marks.values()))
        has_days = wanted.from_day or wanted.budget_from or wanted.budget_to
        for days, choice in self._ranges.items():
            set_props(choice, aria_pressed="true" if days == wanted.range and not has_days else "false")
        is_plain = wanted == UsageFilter(order=wanted.order)
        self._reset.set_enabled(not is_plain or bool(self._refused))

    def _show_chips(self) -> None:
        wanted, zone = self._wanted, self._formats.budget_zone.key
        has_days = bool(wanted.budget_from or wanted.budget_to)
        self._chips.clear()
        with self._chips:
            if wanted.model:
                self._draw_chip("Model", "model", name=wanted.model)
            if wanted.counts is Counts.UNKNOWN:
                self._draw_chip("Without counts", "counts")
            if has_days:
                days = self._in_words(wanted.budget_from, wanted.budget_to)
                self._draw_chip(f"{days}, counted in {zone}", *_BUDGET_DAYS)
        self._chips.set_visibility(bool(wanted.model) or has_days or wanted.counts is Counts.UNKNOWN)

    def _in_words(self, first: date | None, last: date | None) -> str:
        if first and last:
            return f"{'Day' if first == last else 'Days'} {self._formats.days(DayRange(first, last))}"
        return f"Days from {self._formats.day(first)}" if first else f"Days up to {self._formats.day(last or LAST_DAY)}"

    def _draw_chip(self, text: str, *params: str, name: str = "") -> None:
        """Draw one choice, and the way to take it back; `name` is what it names, if it does."""
        with tag("span", "mp-chip"):
            Text("span", text)
            if name:
                Name(name)
            icon_button("x", f"Remove filter: {text} {name}".rstrip(), lambda: self._drop(*params))

    def _draw_ranges(self) -> dict[int, Element]:
        with tag("div", "mp-labelled"):
            label = Text("span", "Time range").classes("mp-label")
            with tag("div", "mp-seg", role="group", aria_labelledby=label.html_id):
                return {days: self._draw_range(days) for days in RANGES}

    def _draw_range(self, days: int) -> Element:
        choice = tag("button", "mp-seg__choice", f"{days} days", type="button", data_testid=f"range-{days}")
        return choice.on("click", lambda: self._enter("range", str(days)), args=[])

    def _draw_more(self) -> Text:
        def toggle() -> None:
            is_open = more.props["aria-expanded"] == "false"
            set_props(more, aria_expanded="true" if is_open else "false")
            self._bar.classes(add="is-open" if is_open else "", remove="" if is_open else "is-open")

        more = button("Filters", toggle, icon="funnel").classes("mp-filters__more")
        more.props["aria-expanded"] = "false"
        with more:
            return Text("span", "0").classes("mp-count")

    def _draw_token(self) -> Field[ui.input]:
        field = text_field("Token name", placeholder="Label or prefix", autocomplete="off", spellcheck="false")
        set_props(field.control, debounce=_TYPING, maxlength=100)
        with field.control.add_slot("prepend"):
            icon("search")
        return field

    def _draw_day(self, name: str) -> Field[ui.input]:
        field = text_field(name.capitalize(), kind="date", min=str(FIRST_DAY), max=str(LAST_DAY))
        set_props(field.control, debounce=_TYPING_A_DAY)
        field.control.on("focus", lambda: self._focus(name), args=[])
        field.control.on("blur", lambda: self._focus(None), args=[])
        return field


def _without(params: dict[str, str], *names: str) -> dict[str, str]:
    return {name: text for name, text in params.items() if name not in names}
