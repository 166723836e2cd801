"""The content of table cells: the only module that writes Vue templates.

A cell is a template that reads `props.row`, the values of its row; Vue escapes what it inserts. `field` names a value,
`given` the value without which a part is left out, `title` the value that is its tooltip. The parts nest: each takes
templates and returns one. A template has neither data nor words in it; words are values of the row, since their
language is known only when rows are shown.

Every mode in the portal is drawn by `mode` from `mode_values`, every weight by `WEIGHT` from `weight`.
"""

import zlib

from portal.pages.components.parts import LEVEL_ICONS, icon_name
from portal.rules.periods import Period
from portal.rules.spending.budgets import PeriodBudget
from portal.words import _, say
from portal.words.labels import BUDGETS, level_label

LABEL = "{label}"
"""A table replaces this text in the template of a heading by the label of the column."""
CHOSEN = "<mp-name><span>{{ props.opt.label }}</span></mp-name>"
"""The chosen value of a field in which the options are names of any length."""
NOTHING = "–"
_MODE_SALT = "4224:"
_NATIVE = 8
_LEAST_WEIGHT = 0.1
"""Share of the largest row from which on a row's hairline is drawn as its weight."""

WEIGHT = (
    ":style=\"props.row.weight ? {'--w': props.row.weight} : null\" "
    ":class=\"{'mp-weigh--peak': props.row.weight > 0.5}\""
)
"""Attributes of a cell of the class `mp-weigh`: its hairline is as long as its `weight`."""


def text(field: str) -> str:
    """Insert a value."""
    return f"{{{{ props.row.{field} }}}}"


def exact(field: str) -> str:
    """Return the attribute that makes a value the tooltip of a cell, as the exact instant of a short one."""
    return f':title="props.row.{field}"'


def only_given(field: str) -> str:
    """Return the attribute that leaves an element out where a value is missing."""
    return f'v-if="props.row.{field}"'


def marked(classes: str, field: str) -> str:
    """Return the attribute that gives an element classes where a value is true, or with `!field` where it is not."""
    value = f"!props.row.{field[1:]}" if field.startswith("!") else f"props.row.{field}"
    return f":class=\"{{'{classes}': {value}}}\""


def span(
    content: str,
    classes: str = "",
    *,
    given: str = "",
    title: str = "",
    mark: tuple[str, str] | None = None,
    tag: str = "span",
) -> str:
    """Draw an element around `content`; `mark` is a class and the value with which the element has it."""
    attributes = [
        only_given(given) if given else "",
        f'class="{classes}"' if classes else "",
        marked(*mark) if mark else "",
        exact(title) if title else "",
    ]
    return f"<{' '.join(filter(None, (tag, *attributes)))}>{content}</{tag}>"


def template(content: str, *, given: str) -> str:
    """Draw `content` where a value is given, without an element around it."""
    return span(content, given=given, tag="template")


def first_of(*choices: tuple[str, str], otherwise: str) -> str:
    """Draw the content of the first choice with a value."""
    parts = [
        f'<template v-{"else-" if number else ""}if="props.row.{given}">{content}</template>'
        for number, (given, content) in enumerate(choices)
    ]
    return f"{''.join(parts)}<template v-else>{otherwise}</template>"


def lines(first: str, *others: str, title: str = "", mark: tuple[str, str] | None = None) -> str:
    """Draw a line and smaller ones below it."""
    return span(first + "".join(others), "mp-cell2", title=title, mark=mark)


def small(content: str, *, given: str = "", classes: str = "") -> str:
    """Draw a smaller line below the first."""
    return span(content, classes, given=given, tag="small")


def name(field: str, *, flows: bool = False) -> str:
    """Draw a name of any length; see `portal.pages.components.names`."""
    classes = ' class="flows"' if flows else ""
    return f"<mp-name{classes}><span>{text(field)}</span></mp-name>"


def code(content: str) -> str:
    """Draw a code that people copy by hand, such as the prefix of a key."""
    return span(content, "mp-mono", tag="code")


def link(content: str, href: str = "href", *, again: bool = False) -> str:
    """Draw a link to the address in the value `href`; the keyboard skips a link that a row has `again`."""
    more = ' class="mp-again" tabindex="-1"' if again else ""
    return f'<a :href="props.row.{href}"{more}>{content}</a>'


def on_phone(content: str) -> str:
    """Draw content for the cards of a phone only, which have no headings."""
    return span(content, "mp-only-phone")


def not_on_phone(content: str) -> str:
    """Draw content that cards of a phone have no room for."""
    return span(content, "mp-not-phone")


def picture(of_what: str) -> str:
    """Draw one of our own icons."""
    return f'<q-icon class="mp-i" name="{icon_name(of_what)}" aria-hidden="true" />'


def sign(of_what: str, field: str, classes: str) -> str:
    """Draw an icon where a value is given, which is its tooltip; the value `<field>_label` is its name."""
    attributes = f':title="props.row.{field}" role="img" :aria-label="props.row.{field}_label"'
    return f'<span v-if="props.row.{field}" class="{classes}" {attributes}>{picture(of_what)}</span>'


def unknown() -> str:
    """Draw a dash for an unknown value; screen readers read the value `unknown`, the tooltip is `unknown_title`."""
    dash = f'<span aria-hidden="true">{NOTHING}</span>{span(text("unknown"), "mp-sr")}'
    return span(dash, title="unknown_title")


def known(field: str) -> str:
    """Draw a count, unless it is `unknown`."""
    return first_of(("unknown", unknown()), otherwise=text(field))


def badge(content: str, kind: str = "", *, given: str = "", title: str = "") -> str:
    """Draw a badge; `kind` is "", accent, crit or line."""
    return span(content, f"mp-badge mp-badge--{kind}" if kind else "mp-badge", given=given, title=title)


def status(good: str = "!off") -> str:
    """Draw the badge of a state from the values `status` and `icon`; it is green where the value `good` is true.

    By default these are the things that are not `off`.
    """
    drawn = '<q-icon class="mp-i" :name="props.row.icon" aria-hidden="true"></q-icon>'
    return span(drawn + text("status"), "mp-badge", mark=("mp-badge--ok", good))


def budget_level() -> str:
    """Draw the level of a budget as an icon, a word and a colour, from the values of `level_values`."""
    drawn = '<q-icon class="mp-i" :name="props.row.level_icon" aria-hidden="true"></q-icon>'
    return f'<span class="mp-level" :data-level="props.row.level">{drawn}{text("level_word")}</span>'


def level_values(budget: PeriodBudget) -> dict[str, object]:
    """Return the values of the level of a budget."""
    return {
        "level": budget.level.value if budget.level else "none",
        "level_icon": icon_name(LEVEL_ICONS[budget.level]),
        "level_word": say(level_label(budget)),
    }


def fullest_level() -> str:
    """Draw the level and the percentage of a fullest budget, from the values of `fullest_values`."""
    return first_of(("percent", budget_level() + text("percent")), otherwise=text("no_limit"))


def fullest_values(period: Period | None, budget: PeriodBudget | None, percent: str) -> dict[str, object]:
    """Return the values of the fullest budget, `percent` in words; the value `budget` is its name, a tooltip."""
    if budget is None or period is None:
        return {"percent": "", "no_limit": _("No limit"), "budget": ""}
    return {"percent": percent, "budget": say(BUDGETS[period]), **level_values(budget)}


def level(of_what: str, content: str) -> str:
    """Draw a level of the kind `ok`: an icon and a word in its colour."""
    return f'<span class="mp-level" data-level="normal">{picture(of_what)}{content}</span>'


def mode() -> str:
    """Draw the badge of a mode, from the values of `mode_values`."""
    return f'<span class="mp-badge mp-mode" :data-mode="props.row.colour">{name("mode", flows=True)}</span>'


def mode_values(of_row: str) -> dict[str, object]:
    """Return the values of a mode: its name and its colour, 1 to 8, which is the same on all pages.

    `native` has the neutral colour. The salt was chosen so that the modes of known gateways have different colours.
    """
    number = zlib.crc32(f"{_MODE_SALT}{of_row}".encode("utf-8", "replace")) % (_NATIVE - 1) + 1
    return {"mode": of_row, "colour": _NATIVE if of_row == "native" else number}


def weight(of_row: int, largest: int) -> float | None:
    """Return a row's share of the largest row, 0 to 1, which its hairline shows; None is a plain hairline."""
    share = of_row / largest if largest else 0
    return round(share, 3) if share >= _LEAST_WEIGHT else None


def action(event: str, *, danger: bool = False) -> str:
    """Draw a small button that sends `event` with the id of its row.

    The value `<event>` is its text; without a text there is no button. `<event>_label` is its name for screen readers.
    """
    kind = "mp-btn mp-btn--ghost mp-btn--danger mp-btn--small" if danger else "mp-btn mp-btn--ghost mp-btn--small"
    attributes = f'v-if="props.row.{event}" :aria-label="props.row.{event}_label"'
    return _button(text(event), kind, event, "props.row.id", attributes)


def icon_action(of_what: str, event: str) -> str:
    """Draw the same button as an icon; the value `<event>` is its name, `<event>_title` its tooltip."""
    attributes = f':aria-label="props.row.{event}" :title="props.row.{event}_title"'
    return _button(picture(of_what), "mp-icon", event, "props.row.id", attributes)


def check(field: str, event: str, *, value: str = "props.row.id") -> str:
    """Draw a box that is checked where a value is true; it sends `event` with the id of its row, or with `value`.

    The value `<event>_label` is its name for screen readers.
    """
    attributes = f':checked="props.row.{field}" :aria-label="props.row.{event}_label"'
    emits = f"@change=\"$parent.$emit('{event}', {value})\""
    return f'<label class="mp-check"><input type="checkbox" {attributes} {emits}></label>'


def sort_button(column: str, more: str = "") -> str:
    """Draw a heading that sends `sort` with the name of its column; `more` is drawn after its label."""
    return _button(f"<span>{LABEL}{more}</span>{picture('down')}", "mp-sort", "sort", f"'{column}'")


def sorted_by(column: str) -> str:
    """Return the `aria-sort` attribute of a heading, which reads the state of the table."""
    return f':aria-sort="props.row.{column}"'


def _button(content: str, classes: str, event: str, value: str, attributes: str = "") -> str:
    emits = f"@click=\"$parent.$emit('{event}', {value})\""
    return f'<button type="button" class="{classes}" {attributes} {emits}>{content}</button>'
