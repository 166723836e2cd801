"""Sums across accounts: comparing them with the daily roll-ups, and correcting them."""

from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import CompoundSelect, Select, delete, func, literal_column, null, select, text, type_coerce, union_all
from sqlalchemy.orm import Session

from portal.db.metering.totals import SHARED_TOTALS, Total, add_parts, figures_of, summed
from portal.db.tables import UsageDaily
from portal.rules.metering.figures import SUMS, Figures
from portal.rules.metering.rollups import DailyKey, Sums, add_to

_LOCK = 0x4D6F46
"""The lock of all transactions that correct these sums on PostgreSQL."""
_ANY_DAY = DailyKey(0, None, "", "")  # type: ignore[arg-type]  # a day is set always


class SharedDifference(NamedTuple):
    """A sum across accounts (`kept`) that differs from the sum of the daily roll-ups (`true`)."""

    key: Any
    kept: Figures
    true: Figures


def shared_differences(session: Session, total: Total) -> list[SharedDifference]:
    """Return the rows of a table that differ from the daily roll-ups, by key.

    One statement reads both, so that they are of the same moment even without a snapshot.
    """
    kept: dict[Any, Figures] = {}
    sums = Sums(ZoneInfo("UTC"))  # the roll-ups have their days already
    width, names = len(total.key._fields), _day_columns(total)
    for is_kept, *values in session.execute(_both(total).execution_options(yield_per=1000)):
        figures = figures_of(values[-len(SUMS) :])
        if is_kept:
            kept[total.row_key(values[:width])] = figures
        else:
            day = dict(zip(names, values[width:], strict=False))
            add_to(sums.daily, {_ANY_DAY._replace(**day): figures})
    true = total.parts(sums)
    compared = ((key, kept.get(key, Figures()), true.get(key, Figures())) for key in sorted(kept.keys() | true.keys()))
    return [SharedDifference(*each) for each in compared if each[1] != each[2]]


def correct_shared(session: Session) -> None:
    """Add the differences to all tables of `SHARED_TOTALS`, while gateways may store usage.

    A batch that is stored meanwhile adds the same to the roll-ups and to these sums, so it changes no difference. Two
    corrections exclude each other.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    for total in SHARED_TOTALS:
        found = shared_differences(session, total)
        add_parts(session, total, {each.key: each.true - each.kept for each in found})
        session.execute(delete(total.table).where(total.table.requests == 0))


def _day_columns(total: Total) -> list[str]:
    """Return the columns of daily roll-ups on which the rows of a table depend."""
    return ["day", *(name for name in total.key._fields if name in DailyKey._fields and name != "day")]


def _both(total: Total) -> CompoundSelect[Any]:
    """Return the statement that reads the rows of a table, and the roll-ups; the other columns of each are null."""
    keys = [getattr(total.table, name) for name in total.key._fields]
    days = [getattr(UsageDaily, name) for name in _day_columns(total)]
    kept = select(
        literal_column("1"), *keys, *(type_coerce(null(), column.type) for column in days), *summed(total.table)
    )
    true: Select[*tuple[Any, ...]] = select(
        literal_column("0"), *(null() for _ in keys), *days, *map(func.sum, summed(UsageDaily))
    )
    return union_all(kept, true.group_by(*days))
