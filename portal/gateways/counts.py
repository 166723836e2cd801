"""One rule that reads the token counts of any source: `read_counts`. The names are in `gateways.count_names`.

The prompt includes cache reads and cache writes, the completion includes reasoning, whatever a source leaves out.
Three things show that it counts these parts beside the whole, in this order:

1. the parts are larger than the whole,
2. the source's own total,
3. the form of its object: Anthropic's and Bedrock's `input_tokens` with `cache_read_input_tokens` beside it, Gemini's
   `thoughtsTokenCount`.

Of several names for one count the first with a value above 0 counts, since programs fill some of them with zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.gateways.count_names import (
    CACHES_BESIDE,
    PARTS,
    PROMPTS_WITHOUT_CACHE,
    RANKS,
    REASONING_BESIDE,
    WRITTEN_FOR,
    ZEROS_LEFT_OUT,
    Part,
    plain_name,
)
from portal.gateways.values import Unclear, token_count


@dataclass(frozen=True, slots=True)
class Counts:
    """Tokens of one request; `cached` (cache reads) is part of `prompt`, `reasoning` of `completion`."""

    prompt: int
    completion: int
    cached: int = 0
    reasoning: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion


def read_counts(
    usage: Mapping[str, object], *, beside: bool | None = None, no_completion: bool = False
) -> Counts | None:
    """Return the counts of a usage object; None where it has none at all.

    `usage` is an object as a source sends it, or flat names with values, also dotted and with one of the known
    prefixes (`gen_ai.usage.`). Numbers may be texts of digits. Members that are no counts are ignored, null is absent.

    `beside` says whether the source counts cache reads and writes beside the prompt; None decides by the form of the
    object, and proof by the figures overrules it. `no_completion` is for embeddings and failed calls: a completion that
    is neither named nor in the total is 0, and a lone total is the prompt.

    Raises Unclear where prompt or completion is unreadable, or is missing and does not follow from the total.
    """
    values = _values(usage)
    counts = {part: _best(named) for part, named in values.items()}
    if not any(part in counts for part in _WHOLES) and not any(counts.values()):
        return None
    names = {name for named in values.values() for name, value in named.items() if value}
    if beside is None:
        beside = _best_name(values.get(Part.PROMPT, {})) in PROMPTS_WITHOUT_CACHE and bool(names & CACHES_BESIDE)
    figures = _Figures(
        cached=counts.get(Part.CACHED, 0),
        written=counts.get(Part.WRITTEN, 0),
        reasoning=counts.get(Part.REASONING, 0),
        tools=counts.get(Part.TOOLS, 0),
        cache_beside=beside,
        reasoning_beside=bool(names & REASONING_BESIDE),
    )
    prompt, completion = figures.completed(
        counts.get(Part.PROMPT),
        counts.get(Part.COMPLETION),
        counts.get(Part.TOTAL),
        may_lack=no_completion or bool(values.get(Part.PROMPT, {}).keys() & ZEROS_LEFT_OUT),
    )
    prompt, completion = figures.wholes(prompt, completion, counts.get(Part.TOTAL))
    return Counts(prompt, completion, min(figures.cached, prompt), min(figures.reasoning, completion))


_WHOLES = (Part.PROMPT, Part.COMPLETION, Part.TOTAL)


@dataclass(frozen=True, slots=True)
class _Figures:
    """The parts of a request, and whether its source is thought to count them beside the whole."""

    cached: int
    written: int
    reasoning: int
    tools: int
    cache_beside: bool
    reasoning_beside: bool

    def completed(
        self, prompt: int | None, completion: int | None, total: int | None, *, may_lack: bool
    ) -> tuple[int, int]:
        """Return prompt and completion as the source counts them, the missing one from the total. Raises Unclear."""
        left = None
        if total is not None:
            beside = self.cached + self.written if self.cache_beside else 0
            left = total - beside - self.tools - (self.reasoning if self.reasoning_beside else 0)
        if prompt is None and completion is None and (may_lack or total == 0):
            completion = 0
        if prompt is None and completion is not None:
            prompt = _rest(left, completion, may_lack=may_lack)
        if completion is None and prompt is not None:
            completion = _rest(left, prompt, may_lack=may_lack)
        return token_count(prompt, "prompt_tokens"), token_count(completion, "completion_tokens")

    def wholes(self, prompt: int, completion: int, total: int | None) -> tuple[int, int]:
        """Return prompt and completion with all of their parts. Raises Unclear."""
        prompts, completions = [*self._prompts(prompt)], [*self._completions(completion)]
        readings = [(one, other) for one in prompts for other in completions]
        prompt, completion = next((reading for reading in readings if sum(reading) == total), readings[0])
        return token_count(prompt, "prompt_tokens"), token_count(completion, "completion_tokens")

    def _prompts(self, prompt: int) -> Iterator[int]:
        """Yield what the prompt may be, the likeliest first; what is not added must fit into it."""
        both = self.cached + self.written
        added = [0, self.cached, self.written, both]
        if prompt < both:  # then it is likelier that both are beside it than one of them
            added = [both, self.cached, self.written]
        for more in reversed(added) if self.cache_beside and prompt >= both else added:
            if both - more <= prompt:
                yield prompt + more + self.tools

    def _completions(self, completion: int) -> Iterator[int]:
        added = (self.reasoning, 0) if self.reasoning_beside else (0, self.reasoning)
        for more in added:
            if self.reasoning - more <= completion:
                yield completion + more


def _rest(left: int | None, other: int, *, may_lack: bool) -> int | None:
    """Return what is left of a total beside one of its halves."""
    if left is not None and left >= other:
        return left - other
    return 0 if may_lack else None


def _values(usage: Mapping[str, object]) -> dict[Part, dict[str, int]]:
    """Return the counts of each part by their plain names. Raises Unclear for an unreadable prompt or completion."""
    found: dict[Part, dict[str, int]] = {}
    written_for = 0
    for name, value in _flat(usage):
        plain = plain_name(name)
        part = PARTS.get(plain)
        if plain in WRITTEN_FOR:
            written_for += _part(value)
        elif part in {Part.PROMPT, Part.COMPLETION}:
            named = found.setdefault(part, {})
            named[plain] = named.get(plain) or token_count(_number(value), name)
        elif part is not None and (part is not Part.TOTAL or _is_count(value)):
            named = found.setdefault(part, {})
            named[plain] = named.get(plain) or _part(value)
    if written_for:
        named = found.setdefault(Part.WRITTEN, {})
        named["cachecreationinputtokens"] = named.get("cachecreationinputtokens") or written_for
    return found


def _flat(usage: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield members and the members of members, but not null."""
    for name, value in usage.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items() if each is not None)
        elif value is not None:
            yield name, value


def _best_name(named: Mapping[str, int]) -> str:
    ranked = sorted(named, key=RANKS.__getitem__)
    return next((name for name in ranked if named[name]), ranked[0] if ranked else "")


def _best(named: Mapping[str, int]) -> int:
    return named[_best_name(named)]


def _number(value: object) -> object:
    """Return a value, as a number where it is a text of digits, as in attributes and cells."""
    is_digits = isinstance(value, str) and len(value) <= 18 and value.isascii() and value.isdigit()
    return int(value) if is_digits else value  # type: ignore[call-overload]  # a text, as was asked


def _is_count(value: object) -> bool:
    try:
        token_count(_number(value), "")
    except Unclear:
        return False
    return True


def _part(value: object) -> int:
    """Return a count of a part; 0 where nothing sensible is named, since the whole is known without it."""
    try:
        return token_count(_number(value), "")
    except Unclear:
        return 0
