"""OpenAI's usage of the organisation.

Source: OpenAI's reference of its usage API. Input includes cached tokens; embeddings and moderations have input only.
In files that have no column for text, audio is counted beside the text.
"""

from dataclasses import replace
from datetime import UTC

from portal.imports.formats.format import FileFormat

_OPENAI_PARTS = frozenset(
    f"{side}{kind}tokens" for side in ("input", "output", "inputcached") for kind in ("text", "image", "audio")
)
_OPENAI = FileFormat(
    "OpenAI's usage of the organisation",
    "openai",
    {
        "username": ["useremail", "username", "email", "userid"],
        "model": ["model"],
        "requested_at": ["starttime", "starttimeiso", "date"],
    },
    {
        "inputtokens": "prompt_tokens",
        "outputtokens": "completion_tokens",
        "inputcachedtokens": "cached_tokens",
        "reasoningtokens": "reasoning_tokens",
    },
    frozenset({"nummodelrequests", "inputtokens", "outputtokens"}),
    zone=UTC,
    beside=False,
    details=frozenset({"inputuncachedtokens", "inputcachewritetokens"}),
    is_sum=True,
)
OPENAI = (
    replace(_OPENAI, marks=_OPENAI.marks | {"inputtexttokens"}, details=_OPENAI.details | _OPENAI_PARTS),
    _OPENAI,
    replace(_OPENAI, marks=_OPENAI.marks - {"outputtokens"}, no_completion=True),
)
