"""LiteLLM's call types: some make a model generate, others only read or manage stored objects.

Source: `CallTypes` and `NON_INFERENCE_CALL_TYPES` of LiteLLM 1.106. LiteLLM knows that calls of the latter repeat
usage; older releases, and calls that are added later, repeat usage too. So the words of a name decide:
`aget_responses` reads, `acreate_batch` stores, `acompletion` generates. A name without any of these words generates.
"""

_MANAGING = frozenset(
    {
        *("get", "list", "retrieve", "read", "poll", "count"),
        *("delete", "cancel", "update", "modify", "add", "upload", "content"),
    }
)
_STORED = frozenset(
    {
        *("batch", "batches", "file", "files", "job", "jobs", "store", "stores", "container", "containers", "sandbox"),
        *("assistant", "assistants", "thread", "threads", "message", "messages", "skill", "skills", "eval", "evals"),
        *("character", "prompt", "secret"),
    }
)
_BATCHES = frozenset({"batch", "batches"})


def manages(call_type: str) -> bool:
    """Return whether calls of this type generate nothing: they report the usage of an earlier call."""
    words = _words(call_type)
    if "generate" in words:  # generate_content
        return False
    return bool(words & _MANAGING or ("create" in words and words & _STORED))


def is_about_batches(call_type: str) -> bool:
    """Return whether calls of this type are about one batch; only polls of a batch report its usage."""
    words = _words(call_type)
    return bool(words & _BATCHES) and "list" not in words


def completes_nothing(call_type: str) -> bool:
    """Return whether calls of this type have no completion, so that its count may be absent."""
    return bool(_words(call_type) & {"embedding", "embeddings", "rerank", "moderation", "speech", "transcription"})


def _words(call_type: str) -> set[str]:
    """Return the words of a name; the first one also without the `a` of asynchronous calls (`aget`)."""
    words = call_type.lower().rpartition(".")[2].strip("_").split("_")
    return {*words, words[0].removeprefix("a")}
