"""What to do to connect each local program: short steps, with the real address and the real token in their texts."""

from dataclasses import dataclass

from portal.pages.components.assets import content
from portal.rules.messages import Message, message
from portal.rules.metering.programs import Program

TOKEN_UNKNOWN = "moe-gw-…"  # noqa: S105  # a placeholder for a token that is shown no more
OLLAMA = """\
import os

import ollama
from portal_usage import report

os.environ["PORTAL_URL"] = "{url}"
os.environ["PORTAL_GATEWAY_TOKEN"] = "{token}"

question = {{"role": "user", "content": "What is a mixture of experts?"}}
response = ollama.chat(model="qwen3:8b", messages=[question])
print(response.message.content)
report(response)
"""
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
    max_retries: 5
    retry_delay: 10
"""
LITELLM_START = """\
export LITELLM_MASTER_KEY=sk-$(openssl rand -hex 24)
litellm --config config.yaml
"""
CONTINUE = """\
data:
  - name: MoE Portal
    destination: {url}/api/v1/usage/continue
    schema: 0.2.0
    level: noCode
    events: [tokensGenerated]
    apiKey: {token}
"""
OPENTELEMETRY = """\
export OTEL_TRACES_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={url}/api/v1/otlp/v1/traces
export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization=Bearer%20{token}"
"""
CURL = """\
curl --fail-with-body {url}/api/v1/usage/openai \\
  -H "Authorization: Bearer {token}" -H "Content-Type: application/json" \\
  -d '{{"id": "test-1", "model": "qwen3:8b", "usage": {{"prompt_tokens": 12, "completion_tokens": 3}}}}'
"""
CURL_OLLAMA = """\
curl http://127.0.0.1:11434/api/generate -d '{{"model": "qwen3:8b", "prompt": "Hello", "stream": false}}' |
  curl --fail-with-body {url}/api/v1/usage/openai \\
    -H "Authorization: Bearer {token}" -H "Content-Type: application/json" -d @-
"""
_FILE_URL, _FILE_TOKEN = "http://127.0.0.1:8080", "moe-gw-"
"""The address and the token in files that are shown, which the real ones replace."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something to do: a text to copy, a file to save under a name, or neither.

    The text is a template, or that of the file `shown`; both get the real address and token.
    """

    instruction: Message
    template: str = ""
    shown: str = ""
    saved: str = ""
    name: str = ""

    def text(self, url: str, token: str) -> str:
        """Return the text to copy; "" without one."""
        if self.shown:
            text = content(self.shown).decode()
            return text.replace(f'"{_FILE_URL}"', f'"{url}"').replace(f'"{_FILE_TOKEN}"', f'"{token}"')
        return self.template.format(url=url, token=token)


@dataclass(frozen=True, slots=True)
class Guide:
    """How a program is connected: its name, what it reports, and the steps."""

    name: str
    about: Message
    steps: tuple[Step, ...]


GUIDES = {
    Program.OLLAMA: Guide(
        "Ollama",
        message("Python scripts with Ollama’s library. Only the counts are sent."),
        (
            Step(message("Save the helper beside your script:"), saved="portal_usage.txt", name="portal_usage.py"),
            Step(message("Report each answer; of a stream, report the last part:"), OLLAMA),
        ),
    ),
    Program.LITELLM: Guide(
        "LiteLLM",
        message("LiteLLM’s proxy reports each request. Nothing is kept of prompts and answers."),
        (
            Step(message("Add this to config.yaml:"), LITELLM),
            Step(message("Start LiteLLM again, with your master key or a new one:"), LITELLM_START),
        ),
    ),
    Program.OPEN_WEBUI: Guide(
        "Open WebUI",
        message("A function reports each answer of a chat. Only the counts are sent."),
        (
            Step(
                message("In Open WebUI open Admin Panel, Functions, New Function; paste this and save it:"),
                shown="portal_open_webui.txt",
            ),
            Step(message("Switch the function on, and choose Global in its menu.")),
            Step(
                message(
                    "Chat. Ollama always counts tokens; for other servers choose the capability Usage of the model. "
                    "In a container, Open WebUI needs --network=host."
                )
            ),
        ),
    ),
    Program.CONTINUE: Guide(
        "Continue",
        message("The assistant in your editor. It counts the tokens itself, so they are close, not exact."),
        (
            Step(message("Add this to ~/.continue/config.yaml:"), CONTINUE),
            Step(message("Ask it something; it reads its configuration by itself.")),
        ),
    ),
    Program.OPENTELEMETRY: Guide(
        "OpenTelemetry",
        message("Programs that are instrumented with the GenAI conventions or OpenInference."),
        (
            Step(message("Set these for the program:"), OPENTELEMETRY),
            Step(message("Start it again. Usage arrives with its next batch of spans.")),
        ),
    ),
    Program.CURL: Guide(
        "curl",
        message("Everything else: send the answer of a model server as it came, or the counts alone."),
        (
            Step(message("Try it with one event:"), CURL),
            Step(message("Or send an answer of Ollama on:"), CURL_OLLAMA),
        ),
    ),
}
"""By the programs."""
