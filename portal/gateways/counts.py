"""One rule that reads the token counts of any source: `read_counts`. The names are in `gateways.count_names`.

The prompt includes cache reads and cache writes, and the completion includes reasoning. Some sources count these parts
beside the whole; then they are added. A source does so if one of these is true, in this order:

1. the parts are larger than the whole,
2. only with the parts the sum is the source's total,
3. the object has the names of Anthropic and Bedrock (`input_tokens` with `cache_read_input_tokens` beside it), or
   Gemini's `thoughtsTokenCount`.

Where a source has several names for one count, the first value above 0 is used, since programs fill some with zeros.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from portal.gateways.count_names import (
    CACHES_BESIDE,
    NESTING,
    PARTS,
    PROMPTS_WITHOUT_CACHE,
    RANKS,
    REASONING_BESIDE,
    WRITTEN,
    WRITTEN_FOR,
    ZEROS_LEFT_OUT,
    TokenPart,
    name_beside,
    part_named,
    plain_name,
    spelled,
)
from portal.gateways.lenient_json import KeptMembers
from portal.gateways.lenient_values import UnclearValue, number_of, token_count


class CountMembers(KeptMembers):
    """The members of a usage object that are counts, and those of the objects in it."""

    def __init__(self, prefix: str = "") -> None:
        super().__init__()
        self._prefix = prefix

    def value(self, name: str) -> bool:
        """Return whether the name of a member is that of a count."""
        return part_named(self._prefix + name) is not None

    def inner(self, name: str) -> KeptMembers | None:
        """Return the counts to keep of a member that is an object with counts; None for any other member."""
        return CountMembers(f"{name}.") if not self._prefix and plain_name(name) in NESTING else None


@dataclass(frozen=True, slots=True)
class TokenCounts:
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
    usage: Mapping[str, object],
    *,
    beside: bool | None = None,
    no_completion: bool = False,
    lone_total: bool = False,
    texts: bool = True,
) -> TokenCounts | None:
    """Return the counts of a usage object; None where it has none at all.

    `usage` is the object of a source, or has flat names, also dotted and with one of the known prefixes
    (`gen_ai.usage.`). Members that are not counts are ignored, and null is the same as absent. Numbers may be texts of
    digits, unless `texts` is False.

    `beside` says whether the source counts cache reads and writes beside the prompt; None decides by the names in the
    object. Where the figures prove the opposite, they decide. `no_completion` is for embeddings and failed calls: a
    completion that is neither named nor in the total is 0, and a total without a prompt and a completion above 0 is the
    prompt. `lone_total` applies the same rule to a usage that has only a total.

    Raises UnclearValue where prompt or completion is unreadable, or is missing and does not follow from the total.
    """
    values = _values(usage, texts=texts)
    counts = _best(values)
    if not counts.keys() & {TokenPart.PROMPT, TokenPart.COMPLETION, TokenPart.TOTAL} and not any(counts.values()):
        return None
    names = {name for named in values.values() for name, value in named.items() if value}
    prompt_name, completion_name = (
        _best_name(values.get(part, {})) for part in (TokenPart.PROMPT, TokenPart.COMPLETION)
    )
    if beside is None:
        beside = prompt_name in PROMPTS_WITHOUT_CACHE and bool(names & CACHES_BESIDE)
    figures = _Figures(
        cached=counts.get(TokenPart.CACHED, 0),
        written=counts.get(TokenPart.WRITTEN, 0),
        reasoning=counts.get(TokenPart.REASONING, 0),
        tools=counts.get(TokenPart.TOOLS, 0),
        cache_beside=beside,
        reasoning_beside=bool(names & REASONING_BESIDE),
    )
    may_lack = no_completion or prompt_name in ZEROS_LEFT_OUT or (lone_total and counts.keys() == {TokenPart.TOTAL})
    total = counts.get(TokenPart.TOTAL)
    prompt, completion = figures.completed(
        counts.get(TokenPart.PROMPT), counts.get(TokenPart.COMPLETION), total, may_lack
    )
    prompt = token_count(prompt, name_beside(completion_name) or "prompt_tokens")
    completion = token_count(completion, name_beside(prompt_name) or "completion_tokens")
    prompt, completion = figures.wholes(prompt, completion, total)
    return TokenCounts(
        token_count(prompt, spelled(prompt_name) or "prompt_tokens"),
        token_count(completion, spelled(completion_name) or "completion_tokens"),
        min(figures.cached, prompt),
        min(figures.reasoning, completion),
    )


def stated_counts(usage: Mapping[str, object]) -> dict[TokenPart, int]:
    """Return the counts of a usage object as its source states them, by meaning. Raises UnclearValue."""
    return _best(_values(usage, texts=True))


@dataclass(frozen=True, slots=True)
class _Figures:
    """The parts of a request, and whether its source probably counts them beside the whole."""

    cached: int
    written: int
    reasoning: int
    tools: int
    cache_beside: bool
    reasoning_beside: bool

    def completed(
        self, prompt: int | None, completion: int | None, total: int | None, may_lack: bool
    ) -> tuple[int | None, int | None]:
        """Return prompt and completion as the source counts them, a missing one from the total."""
        left = None
        if total is not None:
            beside = self.cached + self.written if self.cache_beside else 0
            left = total - beside - self.tools - (self.reasoning if self.reasoning_beside else 0)
        if may_lack and left and not prompt and not completion:
            return left, 0
        if prompt is None and completion is None and (may_lack or total == 0):
            completion = 0
        if prompt is None and completion is not None:
            prompt = _rest(left, completion, may_lack)
        if completion is None and prompt is not None:
            completion = _rest(left, prompt, may_lack)
        return prompt, completion

    def wholes(self, prompt: int, completion: int, total: int | None) -> tuple[int, int]:
        """Return prompt and completion with all parts; of several readings, that with the source's total."""
        prompts, completions = [*self._prompts(prompt)], [*self._completions(completion)]
        readings = [(one, other) for one in prompts for other in completions]
        return next((reading for reading in readings if sum(reading) == total), readings[0])

    def _prompts(self, prompt: int) -> Iterator[int]:
        """Yield the possible prompts, most likely first; parts that are not added are never larger than the prompt."""
        both = self.cached + self.written
        added = [0, self.cached, self.written, both]
        if self.cache_beside or prompt < both:
            added = [both, self.cached, self.written, 0]
        for more in added:
            if both - more <= prompt:
                yield prompt + more + self.tools

    def _completions(self, completion: int) -> Iterator[int]:
        added = (self.reasoning, 0) if self.reasoning_beside else (0, self.reasoning)
        for more in added:
            if self.reasoning - more <= completion:
                yield completion + more


def _rest(left: int | None, other: int, may_lack: bool) -> int | None:
    """Return a total minus the other half; 0 or None where that is not possible."""
    if left is not None and left >= other:
        return left - other
    return 0 if may_lack else None


def _values(usage: Mapping[str, object], *, texts: bool) -> dict[TokenPart, dict[str, int]]:
    """Return the counts of each part by plain names. Raises UnclearValue for an unreadable prompt or completion."""
    found: dict[TokenPart, dict[str, int]] = {}
    written_for = 0
    for name, each in _flat(usage):
        plain, value = plain_name(name), number_of(each) if texts else each
        part = PARTS.get(plain)
        if plain in WRITTEN_FOR:
            written_for += _part(value) or 0
        elif part is not None:
            is_whole = part in {TokenPart.PROMPT, TokenPart.COMPLETION}
            count = token_count(value, name) if is_whole else _part(value)
            if count is not None:
                named = found.setdefault(part, {})
                named[plain] = named.get(plain) or count
    if written_for:
        found.setdefault(TokenPart.WRITTEN, {}).setdefault(WRITTEN, written_for)
    return found


def _flat(usage: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield members and the members of members, but not null."""
    for name, value in usage.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", each) for inner, each in value.items() if each is not None)
        elif value is not None:
            yield name, value


def _best(values: Mapping[TokenPart, Mapping[str, int]]) -> dict[TokenPart, int]:
    return {part: named[_best_name(named)] for part, named in values.items()}


def _best_name(named: Mapping[str, int]) -> str:
    """Return the most reliable name with a value above 0, else the most reliable one; "" without any."""
    ranked = sorted(named, key=RANKS.__getitem__)
    return next((name for name in ranked if named[name]), ranked[0] if ranked else "")


def _part(value: object) -> int | None:
    """Return a count of a part; None for an invalid value, since the whole is known without the part."""
    try:
        return token_count(value, "")
    except UnclearValue:
        return None
