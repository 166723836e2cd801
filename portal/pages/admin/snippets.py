"""Texts to copy that connect a gateway or a program: complete, with the real address and the real token."""

from dataclasses import dataclass

from portal.rules.messages import Message, message

_TOKEN_BELOW = "$PORTAL_GATEWAY_TOKEN"  # noqa: S105  # a placeholder for the token
LITELLM = """\
litellm_settings:
  callbacks: ["portal"]
  turn_off_message_logging: true        # prompts and answers stay here

callback_settings:
  portal:
    callback_type: generic_api
    endpoint: {url}/api/v1/usage/litellm
    headers:
      Authorization: "Bearer {token}"
    event_types: [llm_api_success, llm_api_failure]
    max_retries: 5                      # LiteLLM sends a batch again after a 503; the portal counts it once
    retry_delay: 10

general_settings:
  master_key: os.environ/LITELLM_MASTER_KEY   # LiteLLM does not start without one; the portal does not know it
  custom_auth: portal_auth.user_api_key_auth
"""
LITELLM_HOOK = """\
curl -o portal_auth.py {url}/static/portal_auth.txt
"""
LITELLM_START = """\
export PORTAL_URL={url}
export PORTAL_GATEWAY_TOKEN={token}
export LITELLM_MASTER_KEY=sk-$(openssl rand -hex 24)
litellm --config config.yaml
"""
OPENTELEMETRY = """\
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}/api/v1/otlp/v1/traces
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20{token}"
export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
"""
CLAUDE_CODE = """\
export CLAUDE_CODE_ENABLE_TELEMETRY=1
export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_ENDPOINT={url}/api/v1/otlp
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer {token}"
"""
CODEX = """\
[otel.exporter.otlp-http]
endpoint = "{url}/api/v1/otlp/v1/logs"
protocol = "binary"

[otel.exporter.otlp-http.headers]
Authorization = "Bearer {token}"
"""
HTTP = """\
curl --fail-with-body --retry 5 --retry-connrefused {url}/api/v1/usage \\
  -H "Authorization: Bearer {token}" -H "Content-Type: application/json" \\
  -d '{{"id": "req-1", "username": "{username}", "model": "qwen3:32b", "mode": "native",
       "prompt_tokens": 12, "completion_tokens": 3}}'
"""
SOVEREIGN = """\
export PORTAL_IMPORT_URL=postgresql://moe_admin:PASSWORD@127.0.0.1:5433/moe_userdb
portal import moe-sovereign --gateway '{name}'
portal follow moe-sovereign --gateway '{name}'
"""
FILES = """\
portal import usage spend-logs.csv --gateway '{name}' --dry-run
portal import usage spend-logs.csv --gateway '{name}'
"""
PYTHON_HELPER = """\
curl -o portal_usage.py {url}/static/portal_usage.txt
"""
PYTHON_SETTINGS = """\
export PORTAL_URL={url}
export PORTAL_API_KEY={token}
"""
PYTHON = """\
from portal_usage import report

report(response)
"""
CURL = """\
curl --fail-with-body --retry 5 --retry-connrefused {url}/api/v1/usage/openai \\
  -H "Authorization: Bearer {token}" -H "Content-Type: application/json" -d @response.json
"""
BUDGET = """\
curl {url}/api/v1/budget -H "Authorization: Bearer {token}"
"""


@dataclass(frozen=True, slots=True)
class Values:
    """Values for a snippet: the portal's public address, the token, and the names of gateway and person."""

    url: str
    token: str = _TOKEN_BELOW
    name: str = ""
    username: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A text to copy, and what to do with it."""

    instruction: Message
    template: str

    def text(self, values: Values) -> str:
        """Fill in the values."""
        shell_name = values.name.replace("'", "'\\''")
        return self.template.format(url=values.url, token=values.token, name=shell_name, username=values.username)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of gateway or program; it sends its usage here `with_token`, or the portal reads it."""

    name: Message | str
    about: Message
    parts: tuple[Part, ...]
    with_token: bool = True


_CODING = (
    Part(message("Claude Code: set these, or put them into env in its settings.json, then start it:"), CLAUDE_CODE),
    Part(message("Codex: add this to ~/.codex/config.toml, then start it:"), CODEX),
)
_SET_AND_RESTART = Part(message("Set these for the program, and restart it:"), OPENTELEMETRY)
_COUNTS_ONLY = message("They send logs that say what each request used; nothing is kept of prompts and answers.")

GATEWAYS = {
    "litellm": Kind(
        "LiteLLM",
        message("LiteLLM asks before each request and reports after it. Nothing is kept of prompts and answers."),
        (
            Part(
                message("Put the hook beside LiteLLM’s config.yaml; it asks the portal about each key:"), LITELLM_HOOK
            ),
            Part(message("Add this to config.yaml:"), LITELLM),
            Part(message("Start it with:"), LITELLM_START),
        ),
    ),
    "opentelemetry": Kind(
        "OpenTelemetry",
        message(
            "Anything instrumented with the GenAI conventions or OpenInference. Each span names its user in "
            "portal.api_key_hash or user.id. Export in batches: nested spans are recognised within a batch."
        ),
        (_SET_AND_RESTART,),
    ),
    "coding-agents": Kind(
        "Claude Code, Codex",
        message(
            "For coding agents without a gateway. They send logs that say what each request used; nothing is kept of "
            "prompts and answers. Each person is known by email address, which must be that of the account here."
        ),
        _CODING,
    ),
    "http": Kind(
        message("Own program"),
        message(
            "Anything that can POST JSON. Sending an event again is always safe; all fields are in /api/openapi.json."
        ),
        (Part(message("Send an event like this after each request:"), HTTP),),
    ),
    "moe-sovereign": Kind(
        "MoE Sovereign",
        message(
            "Its users, keys, budgets, templates, usage and notes are read from its database, and can be read again."
        ),
        (
            Part(
                message("Run these where the portal runs: the first imports all, the second keeps reading."), SOVEREIGN
            ),
        ),
        with_token=False,
    ),
    "files": Kind(
        message("Files"),
        message("Exports as CSV, JSON Lines or Parquet; those of LiteLLM and New API are recognised."),
        (Part(message("Run these where the portal runs: the first only shows what it would do."), FILES),),
        with_token=False,
    ),
}
"""By their names in addresses."""

PROGRAMS = {
    "gateway": Kind(
        message("Through a gateway"),
        message("Use the key in place of OpenAI’s with every program that talks to your organisation’s gateway."),
        (Part(message("Ask what is left with it:"), BUDGET),),
    ),
    "coding-agents": Kind("Claude Code, Codex", _COUNTS_ONLY, _CODING),
    "python": Kind(
        message("Python script"),
        message("For models that no gateway of your organisation serves. Only the counts are sent."),
        (
            Part(message("Put the helper beside the script; it tries again while the portal is busy:"), PYTHON_HELPER),
            Part(message("Set these for the script:"), PYTHON_SETTINGS),
            Part(message("Call it with the answer of the model’s library:"), PYTHON),
        ),
    ),
    "curl": Kind(
        message("Shell"),
        message("For any other program: send the answer of the model server as it came."),
        (Part(message("With the answer in response.json:"), CURL),),
    ),
    "opentelemetry": Kind(
        "OpenTelemetry",
        message("For programs that are instrumented with the GenAI conventions or OpenInference."),
        (_SET_AND_RESTART,),
    ),
}
"""By their keys in the choice on the page."""
