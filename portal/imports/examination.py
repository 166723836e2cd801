"""What is unclear about a file as a whole: found and asked before any of it is stored.

Decisions: nothing is guessed where the file allows two readings, and all questions are asked at once, each with the
option that answers it. What one row proves holds for all: a source counts caches either beside the prompt or in it.
Days that people write, such as `20.11.2026 09:05`, have the clock on their wall, which is that of the budget time zone;
what a program writes without an offset may be any zone, most often UTC, and is asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from portal.errors import InvalidInput
from portal.gateways.count_names import CACHES_BESIDE, PROMPTS_WITHOUT_CACHE, WRITTEN_FOR, Part, part_named, plain_name
from portal.gateways.counts import stated_counts
from portal.gateways.lenient_values import Unclear
from portal.imports.columns import Plan, plan, refined, row_counts
from portal.imports.exports import BY_NAME
from portal.imports.files import Advance, Row, Table, read_rows
from portal.imports.formats import plain
from portal.imports.notations import Notation
from portal.imports.survey import (
    Column,
    Survey,
    looks_like_count,
    looks_like_requests,
    notation_of_days,
    notation_of_numbers,
    survey,
)
from portal.rules.strict_json import Flaw

_MOST_NAMED = 8
_CAN_PROVE = {Part.TOTAL, Part.CACHED, Part.WRITTEN}
"""Counts beside which others can be wrong; without any, there is no need to read a file again."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What a person has said about a file: see the options of `portal import usage`.

    `wall_zone` is that of days that people have written, where `zone` says no other.
    """

    chosen: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    notation: Notation | None = None
    wall_zone: tzinfo = UTC
    zone: tzinfo | None = None
    before: datetime | None = None
    aggregates: bool = False


def examine(table: Table, said: Decisions, now: datetime, advance: Advance) -> Plan:
    """Read a whole file, and return how its rows are to be read.

    Raises InvalidInput that names all that a person has to decide first, and Unreadable.
    """
    found = survey(table.columns, read_rows(table, None, advance), [*said.chosen.values()], now)
    for name in said.ignored:
        if name not in found:
            raise InvalidInput(f"There is no column called {name} to be ignored.")
    columns = [name for name in found if name not in said.ignored]
    texts = {name for name in columns if (column := found[name]) and column.texts and not column.is_numeric}
    how = plan(columns, said.chosen, said.fixed, said.zone, said.before, texts=texts)
    how = replace(how, notation=said.notation or _notation(how, found))
    column = _date_column(how, found)
    if how.zone is None and column is not None and column.wall_clocks and not column.clocks:
        how = replace(how, zone=said.wall_zone)
    questions = [*_notation_questions(how, found, said), *_zone_questions(how, found)]
    if not said.aggregates:
        questions += _aggregate_questions(how, found, said.ignored)
    questions += _count_questions(how, found, said.ignored)
    if any(part_named(name) in _CAN_PROVE or plain_name(name) in WRITTEN_FOR for name in how.counts):
        proofs = _prove(how, read_rows(table, how.needs, lambda _: None))
        questions += proofs.questions(how)
        how = how if how.beside is not None else replace(how, beside=proofs.beside)
    if questions:
        raise InvalidInput(" ".join(questions))
    return how


def _notation(how: Plan, found: Survey) -> Notation:
    marks, _ = notation_of_numbers(_columns(how.counts, found))
    order, _ = notation_of_days(_date_column(how, found))
    return Notation(marks, order)


def _columns(names: Mapping[str, Sequence[str]], found: Survey) -> list[Column]:
    columns = (found.get(name) for several in names.values() for name in several)
    return [column for column in columns if column is not None]


def _date_column(how: Plan, found: Survey) -> Column | None:
    return found.get(how.columns["requested_at"][0]) if "requested_at" in how.columns else None


def _notation_questions(how: Plan, found: Survey, said: Decisions) -> Iterator[str]:
    if said.notation is not None:
        return
    if notation_of_numbers(_columns(how.counts, found))[1]:
        yield "Numbers such as 1.000 can be read in two ways: say with --locale who wrote them, such as en or de."
    if notation_of_days(_date_column(how, found))[1]:
        yield "Days can be read with the day or the month first: say with --locale who wrote them, such as en-US or de."


def _zone_questions(how: Plan, found: Survey) -> Iterator[str]:
    column = _date_column(how, found)
    if how.zone is None and column is not None and column.clocks:
        yield "Instants have no offset, such as +01:00 or Z. Say with --timezone where these clocks stand."


def _aggregate_questions(how: Plan, found: Survey, ignored: Sequence[str]) -> Iterator[str]:
    if not how.counts:
        return
    reasons = [how.format.aggregate] if how.format.aggregate else []
    column = _date_column(how, found)
    if column is not None and column.days and not reasons:
        reasons.append(f"{how.columns['requested_at'][0]} has days without a clock.")
    counting = [name for name in _unread(how, found, ignored) if looks_like_requests(name)]
    largest = {name: most for name in counting if (most := _largest(found[name], how)) > 1}
    reasons += [f"{name} is up to {requests:,}." for name, requests in largest.items()]
    if reasons:
        ignoring = (
            f", or leave {_quoted([*largest])} out with --ignore-column" if largest and not how.format.aggregate else ""
        )
        yield (
            f"Rows stand for more than one request: {' '.join(reasons)} "
            f"Say --aggregates to store each as one request{ignoring}."
        )


def _count_questions(how: Plan, found: Survey, ignored: Sequence[str]) -> Iterator[str]:
    if not how.counts:
        return
    looking = [name for name in _unread(how, found, ignored) if looks_like_count(name) and not _is_detail(name, how)]
    unread = {name: largest for name in looking if (largest := _largest(found[name], how)) > 1}
    if unread:
        shown = [f"{name} (up to {largest:,})" for name, largest in [*unread.items()][:_MOST_NAMED]]
        more = ["…"] if len(unread) > _MOST_NAMED else []
        yield (
            f"These columns look like counts and are not read: {', '.join([*shown, *more])}. Add them with "
            "--map prompt_tokens=a+b or --map completion_tokens=a+b, or leave them out with --ignore-column."
        )


def _unread(how: Plan, found: Survey, ignored: Sequence[str]) -> list[str]:
    """Return the columns that nobody has decided about; of a known format without the objects in its cells."""
    left_out = how.mapped | {*ignored}
    is_any = how.format is BY_NAME
    return [name for name in found if name not in left_out and (is_any or "." not in name)]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _is_detail(name: str, how: Plan) -> bool:
    """Say whether a column is a part of a count that is read, or has a meaning of which a person has decided."""
    part = part_named(how.format.counts.get(plain_name(name), name))
    return plain(name) in how.format.details or part in {part_named(field) for field in how.decided} - {None}


def _largest(column: Column | None, how: Plan) -> int:
    """Return the largest number of a column of whole numbers; 0 for others."""
    if column is None or not column.is_numeric:
        return 0
    marks = [how.notation.marks] if how.notation.marks else [*column.largest]
    return max((column.largest_plain, *(int(column.largest[each]) for each in marks)) if column.whole_in else (0,))


@dataclass(slots=True)
class _Proofs:
    """Rows that show how a source counts: their numbers, the first one first."""

    beside_in: list[int] = field(default_factory=list)
    inside_in: list[int] = field(default_factory=list)
    cached_in: list[int] = field(default_factory=list)
    contradictions: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def beside(self) -> bool | None:
        """Whether caches are counted beside the prompt, as far as rows prove it."""
        return bool(self.beside_in) if self.beside_in or self.inside_in else None

    def add(self, row: int, said: Mapping[Part, int]) -> None:
        """Look at the counts of a row."""
        prompt, completion, total = (said.get(part) for part in (Part.PROMPT, Part.COMPLETION, Part.TOTAL))
        if prompt is None or completion is None:
            return
        cached, written = said.get(Part.CACHED, 0), said.get(Part.WRITTEN, 0)
        both, plain_sum = cached + written, prompt + completion + said.get(Part.TOOLS, 0)
        completions = {plain_sum, plain_sum + said.get(Part.REASONING, 0)}
        if total and total not in {sum_ + more for sum_ in completions for more in (0, cached, written, both)}:
            self.contradictions.append((row, total, plain_sum))
        if not both:
            return
        self.cached_in.append(row)
        is_total_of_all = total in {sum_ + both for sum_ in completions}
        if both > prompt or (is_total_of_all and total not in completions):
            self.beside_in.append(row)
        elif total in completions and not is_total_of_all:
            self.inside_in.append(row)

    def questions(self, how: Plan) -> Iterator[str]:
        """Yield what a person has to decide."""
        if self.contradictions:
            row, total, sum_ = self.contradictions[0]
            name = next(columns[0] for count, columns in how.counts.items() if part_named(count) is Part.TOTAL)
            yield (
                f"{name} contradicts the columns that are read, {_rows(self.contradictions)} {row:,}: it says "
                f"{total:,}, and they are {sum_:,} together. Say what belongs together with --map prompt_tokens=a+b "
                f'or --map completion_tokens=a+b, or leave it out with --ignore-column "{name}".'
            )
        if how.beside is not None or not self.cached_in:
            return
        prompt = next((c[0] for name, c in how.counts.items() if part_named(name) is Part.PROMPT), "")
        caches = [c[0] for name, c in how.counts.items() if part_named(name) in {Part.CACHED, Part.WRITTEN}]
        ways = f"--map prompt_tokens={'+'.join([prompt, *caches])} adds them, --map prompt_tokens={prompt} does not."
        if self.beside_in and self.inside_in:
            yield (
                f"In row {self.beside_in[0]:,} cached tokens are counted beside {prompt}, in row "
                f"{self.inside_in[0]:,} they are part of it: {ways}"
            )
        elif not self.beside_in and not self.inside_in and _is_unconventional(how):
            yield f"Nothing says whether {prompt} includes {' and '.join(caches)}: {ways}"


def _prove(how: Plan, rows: Iterator[Row | Flaw]) -> _Proofs:
    proofs = _Proofs()
    for number, row in enumerate(rows, 1):
        if isinstance(row, Flaw):
            continue
        try:
            if how.format is BY_NAME or refined(row, how)[1] is None:
                proofs.add(number, stated_counts(row_counts(row, how)))
        except Unclear:
            continue  # it will be rejected, with its reason
    return proofs


def _is_unconventional(how: Plan) -> bool:
    """Say whether nothing in the names says that caches are part of the prompt, or that they are not."""
    prompts = {plain_name(name) for name in how.counts if part_named(name) is Part.PROMPT}
    caches = {plain_name(name) for name in how.counts if part_named(name) in {Part.CACHED, Part.WRITTEN}}
    is_beside, is_cached = bool(caches & CACHES_BESIDE), any("cached" in name for name in caches)
    if all(name.startswith("prompt") for name in prompts):
        return False
    return is_cached if prompts & PROMPTS_WITHOUT_CACHE and is_beside else not is_cached


def _rows(found: Sequence[object]) -> str:
    return "in row" if len(found) == 1 else f"in {len(found):,} rows, first in row"
