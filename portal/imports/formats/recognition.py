"""Recognise the format of a file by its columns."""

from collections.abc import Iterable

from portal.imports.formats.anthropic import ANTHROPIC, ANTHROPIC_API, CLAUDE_CODE
from portal.imports.formats.by_name import BY_NAME
from portal.imports.formats.coding_agents import AGENTS, CCUSAGE, CURSOR, CURSOR_API
from portal.imports.formats.format import FileFormat, plain
from portal.imports.formats.helicone import HELICONE
from portal.imports.formats.langfuse import LANGFUSE
from portal.imports.formats.litellm import LITELLM, LITELLM_DAILY
from portal.imports.formats.new_api import NEW_API
from portal.imports.formats.openai import OPENAI
from portal.imports.formats.openrouter import OPENROUTER, OPENROUTER_DAYS
from portal.imports.formats.portal_export import PORTAL

KNOWN = (
    *(PORTAL, LITELLM, NEW_API, CURSOR, CURSOR_API, OPENROUTER, OPENROUTER_DAYS),
    *(ANTHROPIC, ANTHROPIC_API, CLAUDE_CODE, CCUSAGE, *OPENAI, LANGFUSE, HELICONE, *LITELLM_DAILY, AGENTS),
)
"""All formats except BY_NAME, in the order in which they are compared."""


def recognise(columns: Iterable[str]) -> FileFormat:
    """Return the first known format with these columns; BY_NAME without any."""
    names = {plain(column) for column in columns}
    return next((known for known in KNOWN if known.marks <= names), BY_NAME)
