"""Make the report of a model call from attributes: model, account, status and all other fields except the tokens.

Decision on the account: the key of `portal.api_key_hash`, `portal.api_key` or LiteLLM's attributes; else the user of
`portal.username`, `enduser.id`, `user.email` and so on, in the order below. An email address is more reliable than
`user.id`, where some programs write a number of their own. The gateway itself sets attributes that begin with
`portal.`, so no other attribute replaces them. If LiteLLM's key is not known here, the account is that of the user or
email address in the proxy's record of the key, as in its callback. The portal cannot check any of this: a gateway must
not forward a user that a client sent, and a collector must not forward such attributes from untrusted programs.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from decimal import Decimal

from portal.gateways import litellm_ids
from portal.gateways.call_types import is_about_batches
from portal.gateways.counts import TokenCounts
from portal.gateways.lenient_values import UnclearValue, account_names
from portal.gateways.otlp_kinds import KIND_ATTRIBUTES, operation
from portal.gateways.otlp_usage import ATTRIBUTE_PREFIXES, COUNT_ATTRIBUTES
from portal.gateways.otlp_wire import Attributes, Value, WantedAttributes
from portal.rules.messages import InvalidValue
from portal.rules.metering.usage import LONGEST_ID, UsageReport
from portal.rules.people.secrets import as_digest, digest
from portal.rules.spending.pricing import MAX_COST_FACTOR, read_cost_factor
from portal.rules.text import MAX_NAME, clip_line, clip_name

ASKED = (
    *("gen_ai.request.model", "llm.request.model", "llm.model_name", "embedding.model_name"),
    *("langfuse.observation.model.name", "ai.model.id", "mlflow.llm.model"),
)
PLAIN_MODEL = "model"
"""The attribute of the model in Claude Code and Codex; it is read only for these programs."""
SERVED = ("gen_ai.response.model", "llm.response.model", "ai.response.model")
_PROVIDER = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system", "ai.model.provider")
SESSION_IDS = (
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

CONTEXT = (*_KEY, *_USER, *_PROXYS_USER, *SESSION_IDS, _MODE, _TEMPLATE, _FACTOR)
"""Attributes that a call takes from an outer call that only repeats it."""

NO_MODEL = f"{ASKED[0]} is missing."


def wanted_attributes(*more: str, truths: Collection[str] = ()) -> WantedAttributes:
    """Return the attributes to read: all of a call, and `more`; `truths` are attributes that are true or false."""
    names = (*ASKED, PLAIN_MODEL, *SERVED, *_PROVIDER, *CONTEXT, *RESPONSE, ERROR)
    return WantedAttributes(
        frozenset((*names, *KIND_ATTRIBUTES, *COUNT_ATTRIBUTES, *more, *truths)), ATTRIBUTE_PREFIXES, truths
    )


def first_text(attributes: Attributes, longest: int, *names: str) -> str:
    """Return the first nonempty text of these attributes, cut to `longest` characters; "" without any."""
    return next(filter(None, (clip_line(str(attributes[name]), longest) for name in names if name in attributes)), "")


def model_asked(attributes: Attributes, *, plain: bool = False) -> str:
    """Return the name of the requested model, else of the model that answered; "" without either."""
    names = (*ASKED, *((PLAIN_MODEL,) if plain else ()), *SERVED)
    return first_text(attributes, 200, *names).strip('"')  # MLflow writes JSON


def make_report(
    attributes: Attributes,
    id: str,
    counts: TokenCounts | None,
    default_mode: str,
    requested_at: datetime,
    *,
    plain: bool = False,
    has_failed: bool = False,
    latency_ms: int | None = None,
    from_log: bool | None = None,
) -> UsageReport:
    """Return the report of a call; a successful call without any tokens has unknown counts. Raises UnclearValue."""
    model = model_asked(attributes, plain=plain)
    if not model:
        raise UnclearValue(NO_MODEL)
    key_hash, username = _account(attributes)
    return UsageReport(
        id=id,
        model=model,
        provider_model=_provider_model(attributes, model, first_text(attributes, 200, *SERVED)),
        mode=first_text(attributes, 64, _MODE) or default_mode,
        prompt_tokens=counts.prompt if counts else 0,
        completion_tokens=counts.completion if counts else 0,
        key_hash=key_hash,
        username=username,
        fallback_names=(_names(attributes, _PROXYS_USER) or None) if key_hash else None,
        cached_tokens=counts.cached if counts else 0,
        reasoning_tokens=counts.reasoning if counts else 0,
        status=_status(attributes) if has_failed else "ok",
        requested_at=requested_at,
        latency_ms=latency_ms,
        template=clip_name(str(attributes.get(_TEMPLATE, "")), MAX_NAME) or None,
        cost_factor=_cost_factor(attributes.get(_FACTOR)),
        session_id=first_text(attributes, 256, *SESSION_IDS) or None,
        from_log=from_log,
        without_counts=None if has_failed or (counts and counts.total) else True,
    )


def program_id(program: str, attributes: Attributes, model: str, counts: TokenCounts, request: str) -> str:
    """Return the common id of a program's span and log record about the same request.

    It contains `request`, the provider's id; without it, a digest of values that both have: session, model, counts.
    """
    if 0 < len(request) <= LONGEST_ID - len(program) - 1:
        return f"{program}/{request}"
    content = (first_text(attributes, 256, *SESSION_IDS), model, counts.prompt, counts.completion, counts.cached)
    return f"{program}/{digest(request or repr(content))}"


def batch_id(attributes: Attributes) -> str:
    """Return the common id of LiteLLM's polls of one batch, the same as in its callback; "" for other calls."""
    if not is_about_batches(operation(attributes)):
        return ""
    return litellm_ids.shared_id("batch", first_text(attributes, 256, *RESPONSE))


def _provider_model(attributes: Attributes, model: str, served: str) -> str | None:
    """Return the model that answered, with its provider: `openai/gpt-4o-2024-08-06`; None if it equals `model`."""
    provider, answered = first_text(attributes, 64, *_PROVIDER), served or model
    if provider and not answered.startswith(f"{provider}/"):
        answered = f"{provider}/{answered}"[:200].rstrip()
    return answered if answered != model else None


def _status(attributes: Attributes) -> str:
    found = first_text(attributes, 64, ERROR)
    return found if found not in {"", "ok"} else "error"


def _cost_factor(value: Value | None) -> Decimal | None:
    if value is None:
        return None
    try:
        return read_cost_factor(str(value))
    except InvalidValue:
        raise UnclearValue(f"{_FACTOR} lies between 0 and {MAX_COST_FACTOR}, with at most 12 decimals.") from None


def _account(attributes: Attributes) -> tuple[str | None, str | None]:
    """Return the digest of the key of a call and None, or None and the name of a user.

    A raw key in an attribute for digests is digested. Without any attribute, the digest is that of an empty text. A
    name is never cut: it could become the name of another account.
    """
    for name in _KEY:
        if name in attributes:
            secret = str(attributes[name])
            return digest(secret) if name == "portal.api_key" else as_digest(secret), None
    found = _names(attributes, (_OWN_USER,) if first_text(attributes, 1, _OWN_USER) else _USER)
    return (None, found[0]) if found else (digest(""), None)


def _names(attributes: Attributes, names: Iterable[str]) -> tuple[str, ...]:
    """Return the user names and email addresses in the attributes with these names."""
    return account_names(str(attributes[name]) for name in names if name in attributes)
