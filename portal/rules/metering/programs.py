"""The local programs that the person of the desktop program can connect."""

from enum import StrEnum


class Program(StrEnum):
    """A local program. The value is the name and the mode of its gateway."""

    OLLAMA = "ollama"
    LITELLM = "litellm"
    OPEN_WEBUI = "open-webui"
    CONTINUE = "continue"
    OPENTELEMETRY = "opentelemetry"
    CURL = "curl"
