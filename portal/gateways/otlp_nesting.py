"""Calls of models that lie in one another: which of them only repeat the others.

Two instrumentations make a span each of one call, a proxy makes one around that of its client library, an agent one
around its calls. The innermost count. This can only be seen where both are in one request.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from portal.gateways.otlp_calls import CONTEXT
from portal.gateways.otlp_wire import Span

MOST_LEVELS = 16
"""Levels of calls in one another through which a call takes attributes; real ones have fewer."""


@dataclass(frozen=True, slots=True)
class Call:
    """A model call: its span, its tokens, and the provider's id of the answer, "" without one.

    `is_silent` says that it succeeded without saying what it used, `is_named` that its span says that it is a call.
    """

    span: Span
    tokens: int
    response: str
    has_failed: bool
    is_silent: bool
    is_named: bool

    @property
    def sums(self) -> bool:
        """Whether the span, if it has calls inside, is their sum and no call itself."""
        return self.is_silent or not (self.is_named or self.response)


@dataclass(frozen=True, slots=True)
class Nesting:
    """Which calls only repeat others, the nearest call around each, and all spans around a call that has counts."""

    repeated: Collection[str]
    outers: Mapping[str, str]
    around: Collection[str]


def span_key(span: Span) -> str:
    """Return the id of a span within its request."""
    return f"{span.trace_id}/{span.span_id}"


def nest_calls(calls: Mapping[str, Call], spans: Iterable[Span]) -> Nesting:
    """Return how the calls of a request lie in one another."""
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
    """Say whether a call without counts lies in a call that has the counts of both."""
    is_other = call.response and outer.response and call.response != outer.response
    return call.is_silent and not outer.is_silent and not outer.has_failed and not is_other


def _around(inner: Iterable[str], parents: Mapping[str, str]) -> Iterator[str]:
    """Yield every span around one of these; each is passed once, also in circles."""
    passed: set[str] = set()
    for each in inner:
        at = parents[each]
        while at in parents and at not in passed and at != each:
            passed.add(at)
            yield at
            at = parents[at]


def _enclosing(calls: Mapping[str, Call], parents: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each call that lies in another one, and the nearest such; every span is passed once, also in circles."""
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
