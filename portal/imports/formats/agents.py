"""Usage of coding agents such as GitHub's: the disjoint columns input, output, cache_read and cache_write."""

from portal.imports.formats.format import FileFormat

AGENTS = FileFormat(
    "usage with the columns input, output, cache_read and cache_write",
    "files",
    {
        "id": ["id", "requestid", "messageid"],
        "username": ["username", "user", "login", "useremail", "email"],
        "model": ["model", "modelid"],
        "requested_at": ["timestamp", "date", "createdat", "time"],
        "session_id": ["sessionid"],
    },
    {
        "input": "input_tokens",
        "output": "output_tokens",
        "cacheread": "cache_read_input_tokens",
        "cachewrite": "cache_creation_input_tokens",
        "reasoning": "reasoning_tokens",
        "total": "total_tokens",
        "totaltokens": "total_tokens",
    },
    frozenset({"model", "input", "output", "cacheread", "cachewrite"}),
)
