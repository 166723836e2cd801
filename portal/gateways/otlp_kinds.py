"""Decide whether a span, or the event of a log record, is a model call, by the words of the instrumentations.

Sources: OpenTelemetry's GenAI conventions (`gen_ai.operation.name`), OpenInference, OpenLLMetry, Langfuse, LangSmith,
MLflow, Vercel's AI SDK (`ai.operationId`), Claude Code (`span.type`), pydantic-ai (its older agent runs have no
operation), the call types of LiteLLM.

Decision: a span of an agent, chain, workflow, tool or search repeats the usage of the calls inside it, and is never
counted. Codex and Gemini CLI report each request in a log record; their spans repeat it, without the model or counts.
"""

from portal.gateways.call_types import manages
from portal.gateways.otlp_wire import Attributes
from portal.rules.text import clip_line

OPERATION, OPENINFERENCE, OPENLLMETRY = "gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind"
VERCEL, CLAUDE_CODE, SERVICE = "ai.operationId", "span.type", "service.name"
_KINDS = (
    *(OPERATION, OPENINFERENCE, OPENLLMETRY, "llm.request.type", "langfuse.observation.type", "langsmith.span.kind"),
    *("mlflow.spanType", VERCEL, CLAUDE_CODE),
)
"""Attributes with the kind of a span; the first one with a known word decides."""
_AGENT_RUN = ("agent_name", "gen_ai.agent.name", "pydantic_ai.all_messages", "all_messages_events", "final_result")
_MODEL = "gen_ai.request.model"
_CODEX = ("codex.usage.total_tokens", "codex.usage.reasoning_output_tokens", "codex.request.reasoning_effort")
_IN_LOGS = frozenset({"gemini-cli", "qwen-code"})

KIND_ATTRIBUTES = (*_KINDS, *_AGENT_RUN, *_CODEX, SERVICE)
"""All attributes that this module reads."""

_EMBEDDINGS = frozenset({"embeddings", "embedding", "aembedding", "ai.embed.doembed", "ai.embedmany.doembed"})
_OTHER_MODELS = frozenset(
    {
        *("rerank", "arerank", "image_generation", "aimage_generation", "image_edit", "aimage_edit", "generate_image"),
        *("speech", "aspeech", "transcription", "atranscription", "moderation", "amoderation"),
    }
)
_REPLAYS = frozenset({"fetch_response"})
_CALLS = (
    _EMBEDDINGS
    | _OTHER_MODELS
    | {
        *("chat", "text_completion", "generate_content", "completion", "llm", "generation", "chat_model"),
        *("acompletion", "atext_completion", "responses", "aresponses", "anthropic_messages"),  # as LiteLLM calls them
        *("agenerate_content", "generate_content_stream", "agenerate_content_stream", "llm_request"),
    }
)
_OTHERS = frozenset(
    {
        *("create_agent", "invoke_agent", "invoke_workflow", "execute_tool", "plan", "retrieval", "framework"),
        *("search_memory", "create_memory", "update_memory", "upsert_memory", "delete_memory"),
        *("create_memory_store", "delete_memory_store"),
        *("workflow", "task", "agent", "tool", "chain", "retriever", "guardrail", "evaluator", "event", "span"),
        *("prompt", "parser", "reranker", "memory", "interaction", "tool.execution", "tool.blocked_on_user", "hook"),
    }
)


def is_call(attributes: Attributes) -> bool | None:
    """Return whether a span is a model call; None if no attribute has a known word.

    OpenInference requires a kind for every span; only LLM and EMBEDDING are calls. Spans of the AI SDK such as
    `ai.generateText.doGenerate` are calls, and `ai.generateText` repeats them.
    """
    for name in _KINDS:
        word = _word(attributes, name)
        if word in _CALLS:
            return True
        if word in _OTHERS or (name == OPENINFERENCE and word not in {"", "unknown"}):
            return False
        if name == VERCEL and word.startswith("ai."):
            return word.rpartition(".")[2].startswith("do")
    if _MODEL not in attributes and any(name in attributes for name in _AGENT_RUN):
        return False
    return None


def is_replay(attributes: Attributes) -> bool:
    """Return whether a call only reads or manages an earlier answer, by the conventions or by LiteLLM's call type."""
    word = operation(attributes)
    return word in _REPLAYS or (word not in _CALLS | _OTHERS and manages(word))


def operation(attributes: Attributes) -> str:
    """Return the operation of the conventions, or LiteLLM's call type; "" without either."""
    return _word(attributes, OPERATION)


def is_embedding(attributes: Attributes) -> bool:
    """Return whether a call makes embeddings, which have no output."""
    return any(_word(attributes, name) in _EMBEDDINGS for name in _KINDS)


def is_in_logs(attributes: Attributes) -> bool:
    """Return whether a log record reports the request of a span, with more values than the span."""
    return any(name in attributes for name in _CODEX) or _word(attributes, SERVICE) in _IN_LOGS


def _word(attributes: Attributes, name: str) -> str:
    return clip_line(str(attributes[name]), 64).strip('"').lower() if name in attributes else ""
