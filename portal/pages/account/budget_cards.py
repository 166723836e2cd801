"""The cards of the budgets, and the bar that cards and tables share."""

from datetime import UTC, datetime
from decimal import Decimal

from nicegui import ui

from portal.pages.account.forecast_line import ForecastLine
from portal.pages.addresses import requests_url
from portal.pages.components.parts import Facts, LevelMark, Text, icon, set_props, tag
from portal.pages.navigation import PROFILE, USAGE
from portal.rules.messages import message
from portal.rules.periods import Period, countdown
from portal.rules.spending.allowances import Extra, last_day
from portal.settings import settings
from portal.views.spending.budget import BudgetsView, BudgetView
from portal.words import _, plural, say
from portal.words.formats import NOTHING, Formats, zone_name
from portal.words.labels import BUDGETS, level_label

CARD_TITLES = {Period.DAILY: message("Today"), Period.MONTHLY: message("This month"), Period.TOTAL: message("Total")}
_BUDGET_NAMES = {
    Period.DAILY: message("Today’s budget"),
    Period.MONTHLY: message("This month’s budget"),
    Period.TOTAL: message("Your total budget"),
}
_NEVER = datetime.max.replace(tzinfo=UTC)


class BudgetCard:
    """One budget: consumption, limit, level, forecast and reset; `foot` has room for more at the lower edge."""

    def __init__(self, period: Period, formats: Formats, *, is_shared: bool = False, usage: str = USAGE.path) -> None:
        """Draw the card with room for its figures; `usage` is the address of the list of its requests.

        A shared budget has neither a list of requests nor a forecast.
        """
        self._period = period
        self._is_shared = is_shared
        self._usage = usage
        self._formats = formats
        title = say(CARD_TITLES[period])
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
                        self._of = Text("span", "")
                        self._limit = Text(skeleton=80)
                        self._unit = Text("span", "")
                    self._raw = Text("span", "").classes("mp-faint")
                self._bar = BudgetBar(period)
                self._forecast = None if is_shared else ForecastLine(formats, usage=usage)
                self._extra = Text("p", "").classes("mp-budget__extra")
            self._facts = Facts(_("Remaining"), _("Cost"), _("Resets in"))
        for element, name in (
            (self._consumed, "consumed"),
            (self._limit, "limit"),
            (self._percent, "percent"),
            (self._facts.values[2], "reset"),
            (self._extra, "extra"),
        ):
            element.props["data-testid"] = name
        with self._card:
            self.foot = tag("div", "mp-budget__foot")

    def show(self, view: BudgetView, now: datetime) -> None:
        """Show newer figures."""
        f, budget = self._formats, view.budget
        set_props(self._card, data_level=view.level.value if view.level else "none")
        self._level.show(budget)
        when = period_name(view, f)
        self._when.show(when, title=when)
        self._consumed.show(f.number(budget.consumed), title=None if self._is_shared else show_requests(view))
        set_props(self._consumed, href=None if self._is_shared else requests_url(view.days, self._usage))
        self._percent.show(f.percent(view.percent) if view.percent is not None else NOTHING)
        of = _("billable, limit {limit}") if budget.limit is None else _("of {limit} billable")
        before, _unused, after = of.partition("{limit}")
        self._of.show(before)
        self._limit.show(f.limit(budget.limit))
        self._unit.show(after)
        self._raw.show(f.raw(view.figures), title=_("Tokens before the cost factor"))
        self._bar.show(view, f)
        if self._forecast:
            self._forecast.show(view, now)
        self._show_extra(view.extra)
        self._show_facts(view, now)

    def _show_extra(self, extra: Extra | None) -> None:
        """Show the tokens of allowances, which are part of the limit."""
        if extra is None:
            self._extra.show("", title="")
            return
        f = self._formats
        day = f.day(last_day(extra.until, f.budget_zone))
        title = f.exact(extra.until)
        self._extra.show(_("Includes {tokens} extra until {day}", tokens=extra.tokens, day=day), title=title)

    def _show_facts(self, view: BudgetView, now: datetime) -> None:
        f, facts = self._formats, self._facts
        facts.names[0].show(_("Over by") if view.budget.over_by else _("Remaining"))
        facts.values[0].show(f.number(view.budget.over_by) if view.budget.over_by else f.limit(view.budget.remaining))
        facts.values[0].classes(
            add="mp-over" if view.budget.over_by else "", remove="" if view.budget.over_by else "mp-over"
        )
        facts.values[1].show(f.cost(view.figures))
        facts.names[2].show(_("Resets in") if view.resets_at else _("Resets"))
        facts.values[2].show(reset_text(view, now), title=reset_title(view, f))


class BudgetBanner:
    """A banner while a budget is used up: since when, until when, and what to do."""

    def __init__(self, formats: Formats) -> None:
        """Draw it hidden."""
        self._formats = formats
        with tag("div", "mp-msg mp-msg--crit", role="status", data_testid="budget-banner") as self._box:
            icon("crit")
            with ui.element("div"):
                self._text = Text("span", "")
                # screen readers do not read out each minute that passes
                self._wait = Text("span", "").props("aria-live=off")
                self._next = Text("span", "")
                self._link = Text("a", _("See what used it up")).classes("mp-msg__link")
                if settings().is_desktop:
                    Text("span", " ")
                    raise_it = Text("a", _("Raise the limit")).classes("mp-msg__link")
                    set_props(raise_it, href=f"{PROFILE.path}#budgets")
        self._box.set_visibility(False)

    def show(self, view: BudgetsView, now: datetime) -> None:
        """Show the budget that stays used up longest; hide the banner if there is none."""
        used_up = [budget for budget in view.all if budget.budget.is_used_up]
        self._box.set_visibility(bool(used_up))
        if not used_up:
            return
        budget = max(reversed(used_up), key=lambda view: view.allows_again_at or _NEVER)
        before, wait, after = _refusals(budget, now, self._formats)
        self._text.show(f"{_state(budget, now, self._formats)} {before}")
        self._wait.show(wait)
        self._next.show(f"{after} {_next_step(budget)} ")
        self._link.set_visibility(budget.figures.requests > 0)
        set_props(self._link, href=requests_url(budget.days))


def _state(view: BudgetView, now: datetime, f: Formats) -> str:
    """Return the sentence that a budget is used up, with the instant."""
    budget = _BUDGET_NAMES[view.period]
    if not view.budget.limit:
        return _("{budget} allows no tokens.", budget=budget)
    if view.used_up_at is None:
        return _("{budget} is used up.", budget=budget)
    return _("{budget} was used up {when}.", budget=budget, when=f.at(view.used_up_at, now))


def _refusals(view: BudgetView, now: datetime, f: Formats) -> tuple[str, str, str]:
    """Return until when requests may be refused: the text before the remaining time, that time, and the text after it.

    Only gateways refuse requests; the portal itself counts them.
    """
    if view.allows_again_at is None:
        if settings().is_desktop:
            return _("Programs may refuse new requests until you raise it."), "", ""
        return _("Gateways may refuse new requests until an administrator raises it."), "", ""
    end = _end(view.allows_again_at, view.period, f)
    if settings().is_desktop:
        text = _("Programs may refuse new requests until {end} (in {wait}).", end=end, wait="{wait}")
    else:
        text = _("Gateways may refuse new requests until {end} (in {wait}).", end=end, wait="{wait}")
    before, _unused, after = text.partition("{wait}")
    return before, say(countdown(view.allows_again_at, now)), after


def _end(instant: datetime, period: Period, f: Formats) -> str:
    """Return the end of a period in the zone of the budget, such as midnight UTC; the end of a month with its day."""
    end, zone = instant.astimezone(f.budget_zone), zone_name(f.budget_zone)
    is_midnight = (end.hour, end.minute) == (0, 0)
    clock = _("midnight {zone}", zone=zone) if is_midnight else _("{clock} {zone}", clock=f"{end:%H:%M}", zone=zone)
    return f"{f.day(end.date(), year=False)}, {clock}" if period is Period.MONTHLY else clock


def _next_step(view: BudgetView) -> str:
    """Return what a person can do about a budget that is used up; on a desktop a link says it."""
    if settings().is_desktop:
        return ""
    if view.allows_again_at is None:
        return _("Ask your administrator for a higher limit.")
    return _("Wait until then, or ask your administrator for a higher limit.")


class BudgetBar:
    """A bar with the used part of a budget, notches at 70 and 90 %, and a mark for the past part of the period."""

    def __init__(self, period: Period, *, thin: bool = False) -> None:
        """Draw an empty bar."""
        with tag("div", "mp-scale"):
            self._now = tag("span", "mp-now", aria_hidden="true")
            self._bar = ui.linear_progress(0, show_value=False, color=None, size="6px" if thin else "8px")
            self._bar.classes("mp-bar mp-bar--thin" if thin else "mp-bar")
            for notch in ("70", "90"):
                tag("span", f"mp-notch mp-notch--{notch}", aria_hidden="true")
        set_props(self._bar, data_testid="progress", data_level="none", aria_label=say(BUDGETS[period]))
        set_props(self._bar, aria_valuenow=0, aria_valuemin=0, aria_valuemax=100)
        self._now.set_visibility(False)

    def show(self, view: BudgetView, f: Formats) -> None:
        """Show newer figures; the bar ends at 100 %, the number may be higher."""
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
            percent_gone = f"{view.elapsed * 100:.0f}\u00a0%"
            set_props(self._now, title=_("{percent} of the period has passed", percent=percent_gone))


def show_requests(view: BudgetView) -> str:
    """Return the title of a budget's figure, which is a link to its requests."""
    return plural("Show {count} request", "Show {count} requests", view.figures.requests)


def period_name(view: BudgetView, f: Formats) -> str:
    """Return the day or month that a budget counts if it may differ from the viewer's own; else ""."""
    if not f.zones_differ or view.days is None or view.period is Period.TOTAL:
        return ""
    day = view.days.last
    return f"{f.short_day(day) if view.period is Period.DAILY else f.month(day)}, {zone_name(f.budget_zone)}"


def reset_text(view: BudgetView, now: datetime) -> str:
    """Return the time until a budget resets."""
    return say(countdown(view.resets_at, now)) if view.resets_at else _("Never")


def reset_title(view: BudgetView, f: Formats) -> str:
    """Return the exact instant at which a budget resets."""
    if view.resets_at is None:
        return _("This budget is not reset")
    exact = f.exact(view.resets_at, f.budget_zone)
    return f"{exact} ({f.exact(view.resets_at)})" if f.zones_differ else exact
