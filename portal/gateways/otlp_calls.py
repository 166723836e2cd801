"""What attributes say of the call of a model, beside its tokens: which model, whose call, how it ended and counts.

Decision on whose: the key of `portal.api_key_hash`, `portal.api_key` or LiteLLM's attributes; else the user of
`portal.username`, `enduser.id`, `user.email` and so on, in the order below. An email is more reliable than `user.id`,
which some programs fill with a number of their own. What begins with `portal.` is the gateway's own word, which no
other name replaces. Where LiteLLM's key is not known here, the user and email address of the proxy's record of it say
whose it is, as in its callback. None of this can be checked: a gateway must not hand on a user that a client named, nor
a collector such attributes of strangers.
"""

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from portal.gateways import litellm_ids
from portal.gateways.call_types import is_about_batches
from portal.gateways.counts import Counts
from portal.gateways.lenient_values import Unclear
from portal.gateways.otlp_kinds import NAMES as KIND_NAMES
from portal.gateways.otlp_kinds import operation
from portal.gateways.otlp_usage import NAMES as COUNT_NAMES
from portal.gateways.otlp_usage import PREFIXES
from portal.gateways.otlp_wire import Attributes, Value, Wanted
from portal.rules.pricing import MAX_COST_FACTOR
from portal.rules.secrets import as_digest, digest
from portal.rules.text import MAX_EMAIL, MAX_NAME, clip_line, clip_name
from portal.rules.usage import LONGEST_ID, UsageReport

ASKED = (
    *("gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name"),
    *("langfuse.observation.model.name", "ai.model.id", "mlflow.llm.model"),
)
PLAIN_MODEL = "model"
"""The model as Claude Code and Codex name it; it counts only where the program is known."""
SERVED = ("gen_ai.response.model", "llm.response.model", "ai.response.model")
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
SESSION = (
    *("gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id", "conversation.id"),
    "langfuse.session.id",
)
_KEY = ("portal.api_key_hash", "portal.api_key", "litellm.api_key.hash", "metadata.user_api_key_hash")
_OWN_USER = "portal.username"
_USER = (
    *(_OWN_USER, "enduser.id", "user.email", "langfuse.user.id", "user.id", "user.name"),
    *("traceloop.association.properties.user_id", "ai.telemetry.metadata.userId"),
)
_PROXYS_USER = ("metadata.user_api_key_user_email", "metadata.user_api_key_user_id")
RESPONSE, ERROR = ("gen_ai.response.id", "ai.response.id"), "error.type"
_MODE, _TEMPLATE, _FACTOR = "portal.mode", "portal.template", "portal.cost_factor"

CONTEXT = (*_KEY, *_USER, *_PROXYS_USER, *SESSION, _MODE, _TEMPLATE, _FACTOR)
"""What a call takes from one around it that is ignored for it."""

NO_MODEL = f"{ASKED[0]} is missing."
_DECIMAL = re.compile(r"\d{1,4}(?:\.\d{1,12})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def wanted(*more: str, truths: Collection[str] = ()) -> Wanted:
    """Return which attributes to read: all that tell of a call, and `more`; `truths` are true or false."""
    names = (*ASKED, PLAIN_MODEL, *SERVED, *_PROVIDER, *CONTEXT, *RESPONSE, ERROR)
    return Wanted(frozenset((*names, *KIND_NAMES, *COUNT_NAMES, *more, *truths)), PREFIXES, truths)


def text(said: Attributes, longest: int, *names: str) -> str:
    """Return the first text that one of the attributes has, cut; "" without any."""
    return next(filter(None, (clip_line(str(said[name]), longest) for name in names if name in said)), "")


def model_asked(said: Attributes, *, plain: bool = False) -> str:
    """Return the name of the model that was asked for, else of the one that answered; "" without either."""
    return text(said, 200, *ASKED, *((PLAIN_MODEL,) if plain else ()), *SERVED).strip('"')  # MLflow writes JSON


def instant(nanoseconds: int) -> datetime:
    """Return an instant given in nanoseconds since 1970."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def report(
    said: Attributes,
    id: str,
    counts: Counts | None,
    default_mode: str,
    requested_at: datetime,
    *,
    plain: bool = False,
    has_failed: bool = False,
    latency_ms: int | None = None,
    from_log: bool | None = None,
) -> UsageReport:
    """Return the call that attributes tell of; one that succeeded without any tokens has no counts. Raises Unclear."""
    model = model_asked(said, plain=plain)
    if not model:
        raise Unclear(NO_MODEL)
    key_hash, username = _whose(said)
    return UsageReport(
        id=id,
        model=model,
        provider_model=_provider_model(said, model, text(said, 200, *SERVED)),
        mode=text(said, 64, _MODE) or default_mode,
        prompt_tokens=counts.prompt if counts else 0,
        completion_tokens=counts.completion if counts else 0,
        key_hash=key_hash,
        username=username,
        fallback_names=(_names(said, _PROXYS_USER) or None) if key_hash else None,
        cached_tokens=counts.cached if counts else 0,
        reasoning_tokens=counts.reasoning if counts else 0,
        status=_status(said) if has_failed else "ok",
        requested_at=requested_at,
        latency_ms=latency_ms,
        template=clip_name(str(said.get(_TEMPLATE, "")), MAX_NAME) or None,
        cost_factor=_cost_factor(said.get(_FACTOR)),
        session_id=text(said, 256, *SESSION) or None,
        from_log=from_log,
        without_counts=None if has_failed or (counts and counts.total) else True,
    )


def shared_id(program: str, said: Attributes, model: str, counts: Counts, request: str) -> str:
    """Return the id of a request under which a program's spans and log records both report it.

    It has the provider's id of the `request`; without one, a digest of what both say: session, model, counts.
    """
    if 0 < len(request) <= LONGEST_ID - len(program) - 1:
        return f"{program}/{request}"
    content = (text(said, 256, *SESSION), model, counts.prompt, counts.completion, counts.cached)
    return f"{program}/{digest(request or repr(content))}"


def batch_id(said: Attributes) -> str:
    """Return the id under which LiteLLM's polls of one batch are reported, as by its callback; "" of other calls."""
    return litellm_ids.shared_id("batch", text(said, 256, *RESPONSE)) if is_about_batches(operation(said)) else ""


def _provider_model(said: Attributes, model: str, served: str) -> str | None:
    """Return which model answered, with its provider: `openai/gpt-4o-2024-08-06`; None if that says nothing new."""
    provider, answered = text(said, 64, *_PROVIDER), served or model
    if provider and not answered.startswith(f"{provider}/"):
        answered = f"{provider}/{answered}"[:200].rstrip()
    return answered if answered != model else None


def _status(said: Attributes) -> str:
    found = text(said, 64, ERROR)
    return found if found not in {"", "ok"} else "error"


def _cost_factor(said: Value | None) -> Decimal | None:
    if said is None:
        return None
    if not _DECIMAL.fullmatch(str(said)) or Decimal(str(said)) > MAX_COST_FACTOR:
        raise Unclear(f"{_FACTOR} lies between 0 and {MAX_COST_FACTOR}, with at most 12 decimals.")
    return Decimal(str(said))


def _whose(said: Attributes) -> tuple[str | None, str | None]:
    """Return the digest of the key a call was made with, or the name of a user.

    What should be a digest is digested if it is none, since raw keys come there too, and where nothing is known, the
    digest is that of nothing. A name is never cut: it could become another one's.
    """
    for name in _KEY:
        if name in said:
            secret = str(said[name])
            return digest(secret) if name == "portal.api_key" else as_digest(secret), None
    found = _names(said, (_OWN_USER,) if text(said, 1, _OWN_USER) else _USER)
    return (None, found[0]) if found else (digest(""), None)


def _names(said: Attributes, attributes: Collection[str]) -> tuple[str, ...]:
    """Return the user names and email addresses in attributes, those that are not longer than one may be."""
    names = (text(said, MAX_EMAIL + 1, name).lower() for name in attributes)
    return tuple(name for name in names if 0 < len(name) <= (MAX_EMAIL if "@" in name else MAX_NAME))
