"""This portal's own export of Usage History. It has the usage of one account, without the account's name."""

import re

from portal.imports.formats.format import COUNTS, Fields, FileFormat, plain, without_counts

_MARKED = re.compile("'[=+@\\t\\r-]")
"""Text with the mark that the CSV adds, so that spreadsheets do not read the text as a formula."""


def _refine(fields: Fields) -> None:
    for name in ("model", "template", "mode", "status"):
        if _MARKED.match(str(fields.get(name, ""))):
            fields[name] = fields[name][1:]
    if not fields.keys() & {"prompt_tokens", "completion_tokens"}:
        without_counts(fields)


PORTAL = FileFormat(
    "an export of this portal's Usage History",
    "portal-export",
    {
        **{name: [plain(name)] for name in ("id", "requested_at", "model", "template", "mode", "status", "latency_ms")},
        **{name: [plain(name)] for name in ("cached_tokens", "reasoning_tokens", "cost_factor")},
        **COUNTS,
    },
    {},
    frozenset({"billabletokens", "costfactor", "costeur", "requestedat", "latencyms"}),
    _refine,
)
