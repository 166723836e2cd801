"""Plan the import of a file, and find the questions that a person must answer before anything is stored.

Decisions: nothing is guessed if the file allows two readings, and all questions are asked together, each with the
option that answers it. A proof by one row is valid for all rows: a source counts caches either beside the prompt or as
part of it. Days in the form of people, such as `20.11.2026 09:05`, are local times of the budget time zone. An instant
without an offset in the form of programs may be in any zone, most often UTC, so the importer asks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from portal.errors import InvalidInput
from portal.gateways.count_names import CACHES_BESIDE, PROMPTS_WITHOUT_CACHE, TokenPart, part_named, plain_name
from portal.gateways.counts import stated_counts
from portal.gateways.lenient_values import UnclearValue
from portal.imports.columns import Plan, make_plan
from portal.imports.files.content import Advance, Row
from portal.imports.files.table import FileTable, read_rows
from portal.imports.formats.by_name import BY_NAME
from portal.imports.formats.format import plain
from portal.imports.notations import Notation
from portal.imports.reports import refined, row_counts
from portal.imports.survey import (
    ColumnSurvey,
    Survey,
    looks_like_count,
    looks_like_requests,
    notation_of_days,
    notation_of_numbers,
    survey_columns,
)
from portal.rules.strict_json import Flaw

_MOST_NAMED = 8
_CAN_PROVE = {TokenPart.TOTAL, TokenPart.CACHED, TokenPart.WRITTEN}
"""Counts that can contradict others; without any of them, the file is not read a second time."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """The decisions of a person about a file: see the options of `portal import usage`.

    `wall_zone` is the time zone of days in the form of people, unless there is a `zone`.
    """

    chosen: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, str] = field(default_factory=dict)
    ignored: Sequence[str] = ()
    notation: Notation | None = None
    wall_zone: tzinfo = UTC
    zone: tzinfo | None = None
    before: datetime | None = None
    aggregates: bool = False


def plan_file(table: FileTable, decisions: Decisions, now: datetime, advance: Advance) -> Plan:
    """Read a whole file, and return the plan to read its rows.

    Raises InvalidInput with all questions that a person must answer first, and UnreadableFile.
    """
    found = survey_columns(table.columns, read_rows(table, None, advance), [*decisions.chosen.values()], now)
    for name in decisions.ignored:
        if name not in found:
            raise InvalidInput(f"There is no column called {name} to be ignored.")
    columns = [name for name in found if name not in decisions.ignored]
    texts = {name for name in columns if (column := found[name]) and column.texts and not column.is_numeric}
    plan = make_plan(columns, decisions.chosen, decisions.fixed, decisions.zone, decisions.before, texts=texts)
    plan = replace(plan, notation=decisions.notation or _notation(plan, found))
    column = _date_column(plan, found)
    if plan.zone is None and column is not None and column.wall_clocks and not column.clocks:
        plan = replace(plan, zone=decisions.wall_zone)
    questions = [*_notation_questions(plan, found, decisions), *_zone_questions(plan, found)]
    if not decisions.aggregates:
        questions += _aggregate_questions(plan, found, decisions.ignored)
    questions += _count_questions(plan, found, decisions.ignored)
    if any(part_named(name) in _CAN_PROVE for name in plan.counts):
        proofs = _prove(plan, read_rows(table, plan.needs, lambda _: None))
        questions += proofs.questions(plan)
        plan = plan if plan.beside is not None else replace(plan, beside=proofs.beside)
    if questions:
        raise InvalidInput(" ".join(questions))
    return plan


def _notation(plan: Plan, found: Survey) -> Notation:
    marks, _ = notation_of_numbers(_columns(plan.counts, found))
    order, _ = notation_of_days(_date_column(plan, found))
    return Notation(marks, order)


def _columns(names: Mapping[str, Sequence[str]], found: Survey) -> list[ColumnSurvey]:
    columns = (found.get(name) for several in names.values() for name in several)
    return [column for column in columns if column is not None]


def _date_column(plan: Plan, found: Survey) -> ColumnSurvey | None:
    return found.get(plan.columns["requested_at"][0]) if "requested_at" in plan.columns else None


def _notation_questions(plan: Plan, found: Survey, decisions: Decisions) -> Iterator[str]:
    if decisions.notation is not None:
        return
    if notation_of_numbers(_columns(plan.counts, found))[1]:
        yield "Numbers such as 1.000 can be read in two ways: say with --locale who wrote them, such as en or de."
    if notation_of_days(_date_column(plan, found))[1]:
        yield "Days can be read with the day or the month first: say with --locale who wrote them, such as en-US or de."


def _zone_questions(plan: Plan, found: Survey) -> Iterator[str]:
    column = _date_column(plan, found)
    if plan.zone is None and column is not None and column.clocks:
        yield "Instants have no offset, such as +01:00 or Z. Name their time zone with --timezone."


def _aggregate_questions(plan: Plan, found: Survey, ignored: Sequence[str]) -> Iterator[str]:
    if not plan.counts:
        return
    reasons = [plan.format.aggregate] if plan.format.aggregate else []
    column = _date_column(plan, found)
    if column is not None and column.days and not reasons:
        reasons.append(f"{plan.columns['requested_at'][0]} has days without a clock.")
    counting = [name for name in _unread(plan, found, ignored) if looks_like_requests(name)]
    largest = {name: most for name in counting if (most := _largest(found[name], plan)) > 1}
    reasons += [f"{name} is up to {requests:,}." for name, requests in largest.items()]
    if reasons:
        ignoring = (
            f", or leave {_quoted([*largest])} out with --ignore-column"
            if largest and not plan.format.aggregate
            else ""
        )
        yield (
            f"Rows are sums of more than one request: {' '.join(reasons)} "
            f"Say --aggregates to store each as one request{ignoring}."
        )


def _count_questions(plan: Plan, found: Survey, ignored: Sequence[str]) -> Iterator[str]:
    if not plan.counts:
        return
    looking = [name for name in _unread(plan, found, ignored) if looks_like_count(name) and not _is_detail(name, plan)]
    unread = {name: largest for name in looking if (largest := _largest(found[name], plan)) > 1}
    if unread:
        shown = [f"{name} (up to {largest:,})" for name, largest in [*unread.items()][:_MOST_NAMED]]
        more = ["…"] if len(unread) > _MOST_NAMED else []
        yield (
            f"These columns look like counts and are not read: {', '.join([*shown, *more])}. Add them with "
            "--map prompt_tokens=a+b or --map completion_tokens=a+b, or leave them out with --ignore-column."
        )


def _unread(plan: Plan, found: Survey, ignored: Sequence[str]) -> list[str]:
    """Return the columns that are neither read nor ignored; for a known format without those of nested objects."""
    left_out = plan.mapped | {*ignored}
    is_any = plan.format is BY_NAME
    return [name for name in found if name not in left_out and (is_any or "." not in name)]


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _is_detail(name: str, plan: Plan) -> bool:
    """Return whether a column is a part of a count that is read, or has the meaning of a decided count."""
    part = part_named(plan.format.counts.get(plain_name(name), name))
    return plain(name) in plan.format.details or part in {part_named(field) for field in plan.decided} - {None}


def _largest(column: ColumnSurvey | None, plan: Plan) -> int:
    """Return the largest number of a column of whole numbers; 0 for other columns."""
    if column is None or not column.is_numeric:
        return 0
    marks = [plan.notation.marks] if plan.notation.marks else [*column.largest]
    return max((column.largest_plain, *(int(column.largest[each]) for each in marks)) if column.whole_in else (0,))


@dataclass(slots=True)
class _Proofs:
    """The numbers of the rows that prove how a source counts, in order."""

    beside_in: list[int] = field(default_factory=list)
    inside_in: list[int] = field(default_factory=list)
    cached_in: list[int] = field(default_factory=list)
    contradictions: list[tuple[int, int, int]] = field(default_factory=list)

    @property
    def beside(self) -> bool | None:
        """Whether caches are counted beside the prompt; None if no row proves it."""
        return bool(self.beside_in) if self.beside_in or self.inside_in else None

    def add(self, row: int, counts: Mapping[TokenPart, int]) -> None:
        """Compare the counts of a row with its total."""
        prompt, completion, total = (
            counts.get(part) for part in (TokenPart.PROMPT, TokenPart.COMPLETION, TokenPart.TOTAL)
        )
        if prompt is None or completion is None:
            return
        cached, written = counts.get(TokenPart.CACHED, 0), counts.get(TokenPart.WRITTEN, 0)
        both, plain_sum = cached + written, prompt + completion + counts.get(TokenPart.TOOLS, 0)
        completions = {plain_sum, plain_sum + counts.get(TokenPart.REASONING, 0)}
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

    def questions(self, plan: Plan) -> Iterator[str]:
        """Yield the questions that a person must answer."""
        if self.contradictions:
            row, total, sum_ = self.contradictions[0]
            name = next(columns[0] for count, columns in plan.counts.items() if part_named(count) is TokenPart.TOTAL)
            yield (
                f"{name} contradicts the columns that are read, {_rows(self.contradictions)} {row:,}: it says "
                f"{total:,}, and they are {sum_:,} together. Say what belongs together with --map prompt_tokens=a+b "
                f'or --map completion_tokens=a+b, or leave it out with --ignore-column "{name}".'
            )
        if plan.beside is not None or not self.cached_in:
            return
        prompt = next((c[0] for name, c in plan.counts.items() if part_named(name) is TokenPart.PROMPT), "")
        caches = [plan.counts[name][0] for name in plan.caches]
        ways = f"--map prompt_tokens={'+'.join([prompt, *caches])} adds them, --map prompt_tokens={prompt} does not."
        if self.beside_in and self.inside_in:
            yield (
                f"In row {self.beside_in[0]:,} cached tokens are counted beside {prompt}, in row "
                f"{self.inside_in[0]:,} they are part of it: {ways}"
            )
        elif not self.beside_in and not self.inside_in and _is_unconventional(plan):
            yield f"Nothing says whether {prompt} includes {' and '.join(caches)}: {ways}"


def _prove(plan: Plan, rows: Iterator[Row | Flaw]) -> _Proofs:
    proofs = _Proofs()
    for number, row in enumerate(rows, 1):
        if isinstance(row, Flaw):
            continue
        try:
            if plan.format is BY_NAME or refined(row, plan)[1] is None:
                proofs.add(number, stated_counts(row_counts(row, plan)))
        except UnclearValue:
            continue  # the import rejects it later, with this reason
    return proofs


def _is_unconventional(plan: Plan) -> bool:
    """Return whether the names of the counts leave open if caches are part of the prompt."""
    prompts = {plain_name(name) for name in plan.counts if part_named(name) is TokenPart.PROMPT}
    caches = set(map(plain_name, plan.caches))
    is_beside, is_cached = bool(caches & CACHES_BESIDE), any("cached" in name for name in caches)
    if all(name.startswith("prompt") for name in prompts):
        return False
    return is_cached if prompts & PROMPTS_WITHOUT_CACHE and is_beside else not is_cached


def _rows(found: Sequence[object]) -> str:
    return "in row" if len(found) == 1 else f"in {len(found):,} rows, first in row"
