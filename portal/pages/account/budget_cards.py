"""Budget cards, and the bar that cards and tables share."""

from datetime import UTC, datetime
from decimal import Decimal

from nicegui import ui

from portal.pages.account.pace import Pace
from portal.pages.addresses import requests_url
from portal.pages.components.parts import Facts, LevelMark, Text, icon, set_props, tag
from portal.rules.periods import Period, countdown
from portal.views.budget import BudgetsView, BudgetView
from portal.words import say
from portal.words.formats import NOTHING, Formats, zone_name
from portal.words.labels import level_label

CARD_TITLES = {Period.DAILY: "Today", Period.MONTHLY: "This month", Period.TOTAL: "Total"}
_BUDGET_NAMES = {
    Period.DAILY: "Today’s budget",
    Period.MONTHLY: "This month’s budget",
    Period.TOTAL: "Your total budget",
}
_NEVER = datetime.max.replace(tzinfo=UTC)
ROW_TITLES = {Period.DAILY: "Daily", Period.MONTHLY: "Monthly", Period.TOTAL: "Total"}


class BudgetCard:
    """One budget: how much, how near the limit, and when it resets."""

    def __init__(self, period: Period, formats: Formats) -> None:
        """Draw the card with room for its figures."""
        self._period = period
        self._formats = formats
        title = CARD_TITLES[period]
        with tag("section", "mp-card mp-budget", data_testid=f"budget-card-{period}", aria_label=title) as self._card:
            with tag("div", "mp-budget__top"):
                with tag("div", "mp-budget__head"):
                    with tag("div", "mp-budget__title"):
                        Text("h2", title)
                        self._when = Text("span", "").classes("mp-budget__when")
                    self._level = LevelMark()
                with tag("div", "mp-budget__row"):
                    self._consumed = Text("a", skeleton=168).classes("mp-num")
                    self._percent = Text(skeleton=56).classes("mp-pct")
                with tag("p", "mp-budget__of"):
                    with ui.element("span"):
                        self._of = Text("span", "of ")
                        self._limit = Text(skeleton=80)
                        self._unit = Text("span", " billable")
                    self._raw = Text("span", "").classes("mp-faint")
                self._bar = BudgetBar(f"{title} budget")
                self._pace = Pace(formats)
            self._facts = Facts("Remaining", "Cost", "Resets in")
        for element, name in (
            (self._consumed, "consumed"),
            (self._limit, "limit"),
            (self._percent, "percent"),
            (self._facts.values[2], "reset"),
        ):
            element.props["data-testid"] = name

    def show(self, view: BudgetView, now: datetime) -> None:
        """Put newer figures in place."""
        f, budget = self._formats, view.budget
        set_props(self._card, data_level=view.level.value if view.level else "none")
        self._level.show(budget)
        when = period_name(view, f)
        self._when.show(when, title=when)
        self._consumed.show(f.number(budget.consumed), title=f"Show {f.requests(view.figures.requests)}")
        set_props(self._consumed, href=requests_url(view.days))
        self._percent.show(f.percent(view.percent) if view.percent is not None else NOTHING)
        self._of.show("of " if budget.limit is not None else "billable, limit ")
        self._limit.show(f.limit(budget.limit))
        self._unit.show(" billable" if budget.limit is not None else "")
        self._raw.show(f.raw(view.figures), title="Tokens before the cost factor")
        self._bar.show(view, f)
        self._pace.show(view, now)
        self._show_facts(view, now)

    def _show_facts(self, view: BudgetView, now: datetime) -> None:
        f, facts = self._formats, self._facts
        facts.names[0].show("Over by" if view.budget.over_by else "Remaining")
        facts.values[0].show(f.number(view.budget.over_by) if view.budget.over_by else f.limit(view.budget.remaining))
        facts.values[0].classes(
            add="mp-over" if view.budget.over_by else "", remove="" if view.budget.over_by else "mp-over"
        )
        facts.values[1].show(f.cost(view.figures))
        facts.names[2].show("Resets in" if view.resets_at else "Resets")
        facts.values[2].show(reset_text(view, now), title=reset_title(view, f))


class BudgetBanner:
    """Word of a budget that is used up, for as long as one is: since when, until when, and what to do."""

    def __init__(self, formats: Formats) -> None:
        """Draw it hidden."""
        self._formats = formats
        with tag("div", "mp-msg mp-msg--crit", role="status", data_testid="budget-banner") as self._box:
            icon("crit")
            with ui.element("div"):
                self._text = Text("span", "")
                # the minutes that pass are for the eye, not to be read out each time
                self._wait = Text("span", "").props("aria-live=off")
                self._next = Text("span", "")
                self._link = Text("a", "See what used it up").classes("mp-msg__link")
        self._box.set_visibility(False)

    def show(self, view: BudgetsView, now: datetime) -> None:
        """Show the budget that stays used up for longest, or nothing."""
        used_up = [budget for budget in view.all if budget.budget.is_used_up]
        self._box.set_visibility(bool(used_up))
        if not used_up:
            return
        budget = max(reversed(used_up), key=lambda view: view.allows_again_at or _NEVER)
        text, wait = _refusals(budget, now, self._formats)
        self._text.show(text)
        self._wait.show(wait)
        self._next.show(f" {_next_step(budget)} ")
        self._link.set_visibility(budget.figures.requests > 0)
        set_props(self._link, href=requests_url(budget.days))


def _refusals(view: BudgetView, now: datetime, f: Formats) -> tuple[str, str]:
    """Say what is used up since when, until when that matters, and how long that is.

    Only what gateways may do: the portal counts, and refuses nothing itself.
    """
    when = f" {f.at(view.used_up_at, now)}" if view.used_up_at else ""
    state = f"{'was used up' if when else 'is used up'}{when}" if view.budget.limit else "allows no tokens"
    said = f"{_BUDGET_NAMES[view.period]} {state}. Gateways may refuse new requests until"
    if view.allows_again_at is None:
        return f"{said} an administrator raises it.", ""
    end = view.allows_again_at.astimezone(f.budget_zone)
    clock = f"{end:%H:%M}" if (end.hour, end.minute) != (0, 0) else "midnight"
    day = f"{f.day(end.date(), year=False)}, " if view.period is Period.MONTHLY else ""
    return f"{said} {day}{clock} {zone_name(f.budget_zone)} ", f"(in {say(countdown(view.allows_again_at, now))})."


def _next_step(view: BudgetView) -> str:
    """Say what a person can do about a budget that is used up."""
    if view.allows_again_at is None:
        return "Ask your administrator for a higher limit."
    return "Wait until then, or ask your administrator for a higher limit."


class BudgetBar:
    """How much of a budget is used: notched at 70 and 90 %, with a mark for how much of the period has gone."""

    def __init__(self, name: str, *, thin: bool = False) -> None:
        """Draw an empty bar called `name` for those who cannot see it."""
        self._name = name
        with tag("div", "mp-scale"):
            self._now = tag("span", "mp-now", aria_hidden="true")
            self._bar = ui.linear_progress(0, show_value=False, color=None, size="6px" if thin else "8px")
            self._bar.classes("mp-bar mp-bar--thin" if thin else "mp-bar")
            for notch in ("70", "90"):
                tag("span", f"mp-notch mp-notch--{notch}", aria_hidden="true")
        set_props(self._bar, data_testid="progress", aria_label=name, aria_valuemin=0, aria_valuemax=100)
        set_props(self._bar, aria_valuenow=0, data_level="none")
        self._now.set_visibility(False)

    def show(self, view: BudgetView, f: Formats) -> None:
        """Put newer figures in place; the bar stops at 100 %, the number does not."""
        percent = view.percent
        self._bar.set_value(0 if percent is None else float(min(percent, Decimal(100)) / 100))
        word = say(level_label(view.budget))
        set_props(
            self._bar,
            data_level=view.level.value if view.level else "none",
            aria_valuenow=0 if percent is None else float(percent),
            aria_valuemax=100 if percent is None else float(max(percent, Decimal(100))),
            aria_valuetext=word if percent is None else f"{f.percent(percent)}, {word}",
        )
        shown = view.elapsed is not None and view.budget.limit is not None and not view.budget.is_used_up
        self._now.set_visibility(shown)
        if shown and view.elapsed is not None:
            self._now.style(f"--now: {view.elapsed * 100:.1f}")
            set_props(self._now, title=f"{view.elapsed * 100:.0f} % of the period has passed")


def period_name(view: BudgetView, f: Formats) -> str:
    """Say which day or month a budget counts, for viewers to whom that may be another than their own; else nothing."""
    if not f.zones_differ or view.days is None or view.period is Period.TOTAL:
        return ""
    day = view.days.last
    return f"{f.short_day(day) if view.period is Period.DAILY else f.month(day)}, {zone_name(f.budget_zone)}"


def reset_text(view: BudgetView, now: datetime) -> str:
    """Say how long it is until a budget resets."""
    return say(countdown(view.resets_at, now)) if view.resets_at else "Never"


def reset_title(view: BudgetView, f: Formats) -> str:
    """Say exactly when a budget resets."""
    if view.resets_at is None:
        return "This budget is not reset"
    exact = f.exact(view.resets_at, f.budget_zone)
    return f"{exact} ({f.exact(view.resets_at)})" if f.zones_differ else exact
