"""ccusage: sums by day or session and by model, from the logs of Claude Code. Its counts are disjoint."""

from portal.imports.formats.format import FileFormat

CCUSAGE = FileFormat(
    "ccusage",
    "ccusage",
    {"model": ["modelname"], "requested_at": ["date", "lastactivity"]},
    {
        "inputtokens": "input_tokens",
        "outputtokens": "output_tokens",
        "cachecreationtokens": "cache_creation_input_tokens",
        "cachereadtokens": "cache_read_input_tokens",
    },
    frozenset({"modelname", "modelsused", "inputtokens", "outputtokens", "cachecreationtokens", "cachereadtokens"}),
    beside=True,
    aggregate="A row is the sum of a day or session and a model.",
    is_sum=True,
)
