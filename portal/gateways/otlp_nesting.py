"""Nested model calls: find the calls that only repeat the calls inside them.

Two instrumentations report the same call, a proxy's span contains that of its client library, or an agent's span
contains its calls. The innermost calls count. This works only where all spans are in one request.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from portal.gateways.otlp_calls import CONTEXT
from portal.gateways.otlp_wire import Span

MOST_LEVELS = 16
"""Levels of outer calls from which a call takes attributes; real traces have fewer."""


@dataclass(frozen=True, slots=True)
class Call:
    """A model call: its span, its tokens, and the provider's id of the answer, "" without one.

    `is_silent` is whether it succeeded without usage, `is_named` whether an attribute of its span says that it is a
    call.
    """

    span: Span
    tokens: int
    response: str
    has_failed: bool
    is_silent: bool
    is_named: bool

    @property
    def sums(self) -> bool:
        """Whether the span, if there are calls inside, is only their sum."""
        return self.is_silent or not (self.is_named or self.response)


@dataclass(frozen=True, slots=True)
class Nesting:
    """The calls that only repeat others, the nearest outer call of each call, and all spans around a counted call."""

    repeated: Collection[str]
    outers: Mapping[str, str]
    around: Collection[str]


def span_key(span: Span) -> str:
    """Return the id of a span within its request."""
    return f"{span.trace_id}/{span.span_id}"


def nest_calls(calls: Mapping[str, Call], spans: Iterable[Span]) -> Nesting:
    """Return the nesting of the calls of a request."""
    parents = {span_key(span): f"{span.trace_id}/{span.parent_id}" for span in spans}
    alive = {each: call for each, call in calls.items() if not call.has_failed}
    around = frozenset(_around((each for each, call in alive.items() if not call.is_silent), parents))
    around_any = around.union(_around((each for each, call in alive.items() if call.is_silent), parents))
    summing = {each for each, call in calls.items() if each in (around_any if call.is_silent else around) and call.sums}
    rest = {each: call for each, call in calls.items() if each not in summing}
    outers = dict(_enclosing(rest, parents))
    repeated = _repeated_calls(rest, outers)
    silent = {
        each for each, outer in outers.items() if outer not in repeated and _is_counted_by(rest[each], rest[outer])
    }
    return Nesting(summing | repeated | silent, dict(_enclosing(calls, parents)), around)


def in_context(span: Span, calls: Mapping[str, Call], nesting: Nesting) -> Span:
    """Return a call with the attributes of CONTEXT that it lacks, from the outer calls that only repeat it."""
    attributes, outer = span.attributes, nesting.outers.get(span_key(span), "")
    for _ in range(MOST_LEVELS):
        if outer not in nesting.repeated:
            break
        further = calls[outer].span.attributes
        attributes = {name: further[name] for name in CONTEXT if name in further} | dict(attributes)
        outer = nesting.outers.get(outer, "")
    return replace(span, attributes=attributes)


def _repeated_calls(calls: Mapping[str, Call], outers: Mapping[str, str]) -> set[str]:
    """Return those calls that only repeat the calls inside them."""
    inside: dict[str, list[Call]] = defaultdict(list)
    for inner, outer in outers.items():
        if not calls[inner].is_silent:
            inside[outer].append(calls[inner])
    return {outer for outer, inner in inside.items() if _repeats(calls[outer], inner)}


def _repeats(outer: Call, inside: list[Call]) -> bool:
    if outer.response and any(inner.response == outer.response for inner in inside):
        return True
    unknown = [inner.tokens for inner in inside if not (inner.response and outer.response)]
    return bool(unknown) and sum(unknown) >= outer.tokens


def _is_counted_by(call: Call, outer: Call) -> bool:
    """Return whether the counts of the outer call include those of a call without counts."""
    is_other = call.response and outer.response and call.response != outer.response
    return call.is_silent and not outer.is_silent and not outer.has_failed and not is_other


def _around(inner: Iterable[str], parents: Mapping[str, str]) -> Iterator[str]:
    """Yield every span around one of these, once; parents that form a circle do not block it."""
    passed: set[str] = set()
    for each in inner:
        at = parents[each]
        while at in parents and at not in passed and at != each:
            passed.add(at)
            yield at
            at = parents[at]


def _enclosing(calls: Mapping[str, Call], parents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each call inside another one, with the nearest outer call; parents that form a circle do not block it."""
    nearest: dict[str, str] = {}
    for inner in calls:
        passed, at = {inner}, parents[inner]
        while at in parents and at not in calls and at not in nearest and at not in passed:
            passed.add(at)
            at = parents[at]
        outer = at if at in calls else nearest.get(at, "")
        nearest |= dict.fromkeys(passed - {inner}, outer)
        if outer and outer != inner:
            yield inner, outer
