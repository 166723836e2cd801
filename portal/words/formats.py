"""Write numbers, money, days and instants in the language and the zone of a person."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_datetime, format_skeleton, format_timedelta
from babel.numbers import format_currency, format_decimal

from portal.rules.messages import Message, message, plural_message
from portal.rules.metering.figures import Figures
from portal.rules.periods import DayRange, day_of
from portal.rules.spending.pricing import eur_text, shown_eur
from portal.settings import settings
from portal.words import say
from portal.words.locales import grouped, locale_of

NOTHING = "–"
UNLIMITED = "∞"
_SIZES = {
    "en": ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")),
    "de": ((10**12, "Bio."), (10**9, "Mrd."), (10**6, "Mio."), (10**3, "Tsd.")),
}
_SPACE = "\u00a0"


def zone_name(zone: ZoneInfo) -> str:
    """Write the name of a zone as people read it: America/New York."""
    return zone.key.replace("_", " ")


class Reader(Protocol):
    """A person with a language and a zone."""

    @property
    def language(self) -> str:
        """The code of the language."""

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which instants are shown."""


@dataclass(frozen=True, slots=True)
class Formats:
    """The formats of a person; `zone` is the person's zone, `budget_zone` the zone in which days are counted."""

    locale: Locale
    zone: ZoneInfo
    budget_zone: ZoneInfo

    @staticmethod
    def of(reader: Reader) -> "Formats":
        """Return the formats of a person."""
        return Formats(locale_of(reader.language), reader.zone, settings().budget_zone)

    @property
    def zones_differ(self) -> bool:
        """Whether the person's zone is another one than the zone in which days are counted."""
        return self.zone.key != self.budget_zone.key

    def number(self, value: int | None) -> str:
        """Write a whole number with thousands separators: 1,234,567; None as a dash."""
        return NOTHING if value is None else grouped(value, self.locale.language)

    def requests(self, count: int) -> str:
        """Write a number of requests: 1 request, 3,138 requests."""
        return self._say(plural_message("{count} request", "{count} requests", count))

    def billable(self, count: int) -> str:
        """Write a number of billable tokens: 1 billable token, 1,234 billable tokens."""
        return self._say(plural_message("{count} billable token", "{count} billable tokens", count))

    def raw(self, figures: Figures) -> str:
        """Write the raw total if it differs from the billable tokens because of a cost factor; else ""."""
        if figures.total_tokens == figures.tokens:
            return ""
        return self._say(message("{tokens} raw", tokens=figures.total_tokens))

    def limit(self, value: int | None) -> str:
        """Write a limit; None as ∞."""
        return UNLIMITED if value is None else self.number(value)

    def compact(self, value: int) -> str:
        """Write a round number for an axis: 750 k, 1.5 M, 2 B; in German 2 Mrd."""
        for size, unit in _SIZES.get(self.locale.language, _SIZES["en"]):
            if value >= size:
                return f"{format_decimal(Decimal(value) / size, '0.##', locale=self.locale)}{_SPACE}{unit}"
        return self.number(value)

    def percent(self, value: Decimal | None) -> str:
        """Write a percentage with one decimal: 74.2 %."""
        return NOTHING if value is None else f"{format_decimal(value, '#,##0.0', locale=self.locale)}{_SPACE}%"

    def factor(self, value: Decimal) -> str:
        """Write a cost factor with all of its decimals."""
        return str(format_decimal(value.normalize(), "0.############", locale=self.locale))

    def eur(self, nano_eur: int) -> str:
        """Write nano-euros with two decimals, below one cent with up to six: €14.85."""
        return self._currency(shown_eur(nano_eur))

    def exact_eur(self, nano_eur: int) -> str:
        """Write nano-euros with all their decimals, for a tooltip: €1,058.6894."""
        return self._currency(Decimal(eur_text(nano_eur)))

    def cost_of(self, nano_eur: int | None) -> str:
        """Write the cost of one request; None means that no price was valid at its time."""
        return self._say(message("no price yet")) if nano_eur is None else self.eur(nano_eur)

    def cost(self, figures: Figures) -> str:
        """Write the cost of requests, and the number of those without a price."""
        cost = self.eur(figures.cost_nano_eur)
        if not figures.unpriced:
            return cost
        return self._say(message("{cost} + {requests} unpriced", cost=cost, requests=figures.unpriced))

    def duration(self, milliseconds: int | None) -> str:
        """Write a duration: 850 ms, 1.3 s; None as a dash."""
        if milliseconds is None or milliseconds < 1000:
            return NOTHING if milliseconds is None else f"{milliseconds} ms"
        return f"{self.tenths(Decimal(milliseconds) / 1000)} s"

    def lag(self, time: timedelta | None) -> str:
        """Write how late something arrives: 850 ms, 1.3 s, 5 minutes; None as a dash."""
        if time is None or time < timedelta(minutes=1):
            return self.duration(None if time is None else time // timedelta(milliseconds=1))
        return format_timedelta(time, threshold=1, locale=self.locale)

    def tenths(self, value: Decimal) -> str:
        """Write a number with one decimal: 1,234.5."""
        return format_decimal(value, "#,##0.0", locale=self.locale)

    def price(self, eur_per_token: Decimal) -> str:
        """Write a price per token exactly."""
        return self._currency(eur_per_token)

    def rate(self, eur_per_million: Decimal) -> str:
        """Write a price of a million tokens exactly, with at least two decimals: €2.50."""
        exponent = eur_per_million.normalize().as_tuple().exponent
        return self._currency(eur_per_million.quantize(Decimal("0.01")) if exponent >= -2 else eur_per_million)  # type: ignore[operator]  # finite

    def moment(self, instant: datetime | None, now: datetime, *, seconds: bool = False) -> str:
        """Write an instant in short: Today 14:05, Yesterday 17:12, 21 Nov 09:30; with the year if it is another one."""
        if instant is None:
            return NOTHING
        local, today = instant.astimezone(self.zone), day_of(now, self.zone)
        clock = f"{local:%H:%M:%S}" if seconds else f"{local:%H:%M}"
        if local.date() == today:
            return self._say(message("Today {clock}", clock=clock))
        if local.date() == today - timedelta(1):
            return self._say(message("Yesterday {clock}", clock=clock))
        return f"{self.day(local.date(), year=local.year != today.year)} {clock}"

    def at(self, instant: datetime, now: datetime) -> str:
        """Write an instant for use in a sentence: at 14:05, on 21 Nov at 09:30."""
        local, today = instant.astimezone(self.zone), day_of(now, self.zone)
        clock = f"{local:%H:%M}"
        if local.date() == today:
            return self._say(message("at {clock}", clock=clock))
        day = self.day(local.date(), year=local.year != today.year)
        return self._say(message("on {day} at {clock}", day=day, clock=clock))

    def coming(self, instant: datetime, now: datetime) -> str:
        """Write an estimated instant, less exactly if it is far away: 14:15, Thu 14:00, after a week 14 December.

        It is rounded down, to quarters of an hour today and to hours later, but never to before `now`.
        """
        local, today = instant.astimezone(self.zone), day_of(now, self.zone)
        ahead = (local.date() - today).days
        if ahead > 6:
            if local.year != today.year:
                return str(format_date(local, "long", locale=self.locale))
            return str(format_skeleton("MMMMd", local, locale=self.locale))
        rounded = local.replace(minute=0 if ahead else local.minute // 15 * 15, second=0, microsecond=0)
        clock = f"{max(rounded, now.astimezone(self.zone)):%H:%M}"
        return f"{format_date(local, 'EEE', locale=self.locale)} {clock}" if ahead else clock

    def exact(self, instant: datetime | None, zone: ZoneInfo | None = None) -> str:
        """Write an instant in full, with its zone, for a tooltip."""
        if instant is None:
            return ""
        local = instant.astimezone(zone or self.zone)
        return f"{self._date(local, 'EEE d MMM y, HH:mm:ss')} {(zone or self.zone).key}"

    def clock(self, instant: datetime) -> str:
        """Write the time of day with seconds, in the person's zone: 18:48:07."""
        return f"{instant.astimezone(self.zone):%H:%M:%S}"

    def date_of(self, instant: datetime) -> str:
        """Write the day of an instant in the person's zone: 27 Nov 2026."""
        return self.day(day_of(instant, self.zone))

    def day(self, day: date, *, year: bool = True) -> str:
        """Write a day: 27 Nov 2026."""
        return self._date(day, "d MMM y" if year else "d MMM")

    def long_day(self, day: date) -> str:
        """Write a day in full: Friday, 27 November 2026."""
        return self._date(day, "EEEE, d MMMM y")

    def full_day(self, day: date) -> str:
        """Write a day with its month in full: 27 November 2026."""
        return self._date(day, "d MMMM y")

    def month_of_year(self, day: date) -> str:
        """Write the month and year of a day: November 2026."""
        return format_date(day, "LLLL y", locale=self.locale)

    def full_moment(self, instant: datetime) -> str:
        """Write an instant with its zone: 27 November 2026 at 14:05 (Europe/Berlin)."""
        local = instant.astimezone(self.zone)
        day, clock = self.full_day(local.date()), f"{local:%H:%M}"
        return self._say(message("{day} at {clock} ({zone})", day=day, clock=clock, zone=zone_name(self.zone)))

    def short_day(self, day: date, *, year: bool = False) -> str:
        """Write a day with its weekday: Fri 27 Nov."""
        return self._date(day, "EEE d MMM y" if year else "EEE d MMM")

    def month(self, day: date) -> str:
        """Write the month of a day: November."""
        return format_date(day, "LLLL", locale=self.locale)

    def short_month(self, day: date) -> str:
        """Write the month and year of a day in short: Nov 2026."""
        return str(format_date(day, "LLL y", locale=self.locale))

    def weekday(self, day: date) -> str:
        """Write a weekday in two letters, without a point: Fr."""
        return str(format_date(day, "EEEEEE", locale=self.locale)).removesuffix(".")

    def days(self, days: DayRange) -> str:
        """Write a range of days without repeated months and years: 14 – 27 Nov 2026."""
        first, last = days.first, days.last
        if first == last:
            return self.day(last)
        if (first.year, first.month) == (last.year, last.month):
            return f"{self._date(first, 'd')} – {self.day(last)}"
        return f"{self.day(first, year=first.year != last.year)} – {self.day(last)}"

    def _date(self, day: date, pattern: str) -> str:
        """Write a day or an instant; German has a comma after the weekday and a point after the day: Fr., 27. Nov."""
        if self.locale.language == "de":
            pattern = re.sub(r"\bd\b", "d.", pattern).replace("EEE d.", "EEE, d.")
        write = format_datetime if isinstance(day, datetime) else format_date
        return write(day, pattern, locale=self.locale)

    def _say(self, sentence: Message) -> str:
        return say(sentence, self.locale.language)

    def _currency(self, amount: Decimal) -> str:
        return str(
            format_currency(amount, "EUR", locale=self.locale, currency_digits=False, decimal_quantization=False)
        )
