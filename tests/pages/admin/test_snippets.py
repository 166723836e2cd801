"""Snippets work as they are copied: equal to the examples, and understood by their programs."""

import json
import shlex
import tomllib
from pathlib import Path

import pytest

from portal import pages
from portal.pages.admin.snippets import GATEWAYS, PROGRAMS, Kind, Values

EXAMPLES = Path(__file__).parents[3] / "examples"
VALUES = Values("https://portal.example.org", "moe-gw-" + "0" * 48, "Bob's gateway", "alice")
KINDS = [pytest.param(kind, id=str(kind.name)) for kind in (*GATEWAYS.values(), *PROGRAMS.values())]


def text(kind: Kind, part: int = 0) -> str:
    return kind.parts[part].text(VALUES)


@pytest.mark.parametrize("kind", KINDS)
def test_snippets_are_complete(kind: Kind) -> None:
    snippets = "\n".join(part.text(VALUES) for part in kind.parts)
    assert VALUES.url in snippets or not kind.with_token
    assert VALUES.token in snippets or not kind.with_token
    assert "{url" not in snippets
    assert "$PORTAL" not in snippets


def test_litellm_snippet_is_that_of_the_example() -> None:
    example = (EXAMPLES / "litellm" / "config.yaml").read_text(encoding="utf-8")
    ours = example.replace("os.environ/PORTAL_USAGE_URL", "https://portal.example.org/api/v1/usage/litellm")
    ours = ours.replace("os.environ/PORTAL_AUTHORIZATION", f'"Bearer {VALUES.token}"')
    assert text(GATEWAYS["litellm"], 1) in ours


@pytest.mark.parametrize(
    ("kind", "served", "example"),
    [
        pytest.param(GATEWAYS["litellm"], "portal_auth.txt", "litellm/portal_auth.py", id="LiteLLM's hook"),
        pytest.param(PROGRAMS["python"], "portal_usage.txt", "python/portal_usage.py", id="helper of scripts"),
    ],
)
def test_fetched_file_is_that_of_the_example(kind: Kind, served: str, example: str) -> None:
    name = Path(example).name
    assert text(kind, 0) == f"curl -o {name} {VALUES.url}/static/{served}\n"
    assert (Path(pages.__file__).parents[1] / "static" / served).read_bytes() == (EXAMPLES / example).read_bytes()


@pytest.mark.parametrize("kind", [GATEWAYS["http"], PROGRAMS["curl"]], ids=lambda kind: str(kind.name))
def test_curl_retries_and_shows_why_it_was_refused(kind: Kind) -> None:
    """It retries a 503 with its Retry-After, and a refused connection, at most five times; then it shows the answer."""
    assert shlex.split(text(kind))[:5] == ["curl", "--fail-with-body", "--retry", "5", "--retry-connrefused"]


def test_event_can_be_sent_by_hand() -> None:
    words = shlex.split(text(GATEWAYS["http"]))
    assert "https://portal.example.org/api/v1/usage" in words
    assert f"Authorization: Bearer {VALUES.token}" in words
    assert json.loads(words[-1])["username"] == "alice"


@pytest.mark.parametrize("kind", ["moe-sovereign", "files"])
def test_names_are_quoted_for_the_shell(kind: str) -> None:
    commands = [shlex.split(line) for line in text(GATEWAYS[kind]).splitlines()]
    assert len([words for words in commands if words[0] == "portal"]) == 2
    assert all("Bob's gateway" in words for words in commands if words[0] == "portal")


def test_script_gets_settings_and_helper() -> None:
    settings = dict(line.removeprefix("export ").split("=", 1) for line in text(PROGRAMS["python"], 1).splitlines())
    assert settings == {"PORTAL_URL": VALUES.url, "PORTAL_API_KEY": VALUES.token}
    compile(text(PROGRAMS["python"], 2), "report.py", "exec")


@pytest.mark.parametrize("kinds", [GATEWAYS, PROGRAMS])
def test_exporters_read_address_and_token(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    for word in shlex.split(text(kinds["opentelemetry"])):
        if "=" in word:
            monkeypatch.setenv(*word.split("=", 1))
    sender = OTLPSpanExporter()._client
    assert sender._endpoint == "https://portal.example.org/api/v1/otlp/v1/traces"
    assert sender._headers["authorization"] == f"Bearer {VALUES.token}"


@pytest.mark.parametrize("kinds", [GATEWAYS, PROGRAMS])
def test_claude_code_reads_address_and_token(kinds: dict[str, Kind], monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    words = [word.split("=", 1) for word in shlex.split(text(kinds["coding-agents"])) if "=" in word]
    for name, value in words:
        monkeypatch.setenv(name, value)
    headers = dict(words)["OTEL_EXPORTER_OTLP_HEADERS"]
    assert headers.split("=", 1) == ["Authorization", f"Bearer {VALUES.token}"], "Claude Code decodes no %20"
    sender = OTLPLogExporter()._client
    assert sender._endpoint == "https://portal.example.org/api/v1/otlp/v1/logs"
    assert sender._headers["authorization"] == f"Bearer {VALUES.token}"


@pytest.mark.parametrize("kinds", [GATEWAYS, PROGRAMS])
def test_codex_reads_address_and_token(kinds: dict[str, Kind]) -> None:
    assert tomllib.loads(text(kinds["coding-agents"], 1)) == {
        "otel": {
            "exporter": {
                "otlp-http": {
                    "endpoint": "https://portal.example.org/api/v1/otlp/v1/logs",
                    "protocol": "binary",
                    "headers": {"Authorization": f"Bearer {VALUES.token}"},
                }
            }
        }
    }
