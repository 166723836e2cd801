"""The texts of the page Connect work as they are copied: each is run against a desktop program."""

import asyncio
import importlib.util
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from portal.clock import utc_now
from portal.pages.account.program_guides import GUIDES
from portal.pages.components.assets import content
from portal.rules.metering.programs import Program
from tests.desktop.process import Desktop, start_desktop
from tests.gateways.test_continue_dev import TOKENS
from tests.gateways.test_continue_dev import event as continue_event
from tests.portals import ROOT

OLLAMA = {
    "model": "qwen3:8b",
    "done": True,
    "total_duration": 4_883_583_458,
    "prompt_eval_count": 26,
    "eval_count": 282,
}
CHAT = {
    "model": "qwen3:8b",
    "chat_id": "c-1",
    "id": "m-2",
    "messages": [
        {"id": "m-1", "role": "user", "content": "A secret question"},
        {"id": "m-2", "role": "assistant", "content": "A secret", "usage": {"input_tokens": 26, "output_tokens": 282}},
    ],
}
"""What Open WebUI 0.12 gives a function after an answer of Ollama."""


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    running = start_desktop(tmp_path_factory.mktemp("desktop"))
    yield running
    running.stop()


def snippet(desktop: Desktop, program: Program, step: int = 0) -> tuple[str, str]:
    """Return the text of a step with the address and a new token, and the token."""
    token = desktop.token(program)
    return GUIDES[program].steps[step].text(desktop.url, token), token


def shell(command: str, **variables: str) -> str:
    """Run a command as a person does; return what it prints."""
    environment = {"PATH": os.environ["PATH"], **variables}
    return subprocess.run(["sh", "-c", command], env=environment, check=True, capture_output=True, text=True).stdout


def counts(desktop: Desktop, program: Program) -> Counter[tuple[str, int, int]]:
    """Return how often each usage of a program is stored."""
    return Counter((row.model, row.prompt_tokens, row.completion_tokens) for row in desktop.rows(program))


def stored_bytes(desktop: Desktop) -> bytes:
    """Return everything that the database has written."""
    stored = desktop.database.engine.url.database
    assert stored is not None
    return Path(stored).read_bytes() + Path(f"{stored}-wal").read_bytes()


def module(text: str, path: Path) -> ModuleType:
    """Return a text as a module, as programs load it."""
    path.write_text(text, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.mark.parametrize("program", Program)
def test_texts_have_address_and_token_and_no_name(program: Program) -> None:
    token, url = "moe-gw-" + "5" * 48, "http://127.0.0.1:8790"
    text = "\n".join(step.text(url, token) for step in GUIDES[program].steps)
    assert url in text
    assert token in text
    assert [part for part in ("{url", "{token", "moe-sk-", "username") if part in text] == []


@pytest.mark.parametrize(
    ("served", "example"),
    [
        pytest.param("portal_usage.txt", "python/portal_usage.py", id="helper of scripts"),
        pytest.param("portal_open_webui.txt", "open-webui/portal_usage_filter.py", id="function of Open WebUI"),
    ],
)
def test_served_file_is_that_of_the_example(served: str, example: str) -> None:
    assert content(served) == (ROOT / "examples" / example).read_bytes()


def test_curl_sends_an_event_once(desktop: Desktop) -> None:
    command, _ = snippet(desktop, Program.CURL)
    before = counts(desktop, Program.CURL)
    assert [json.loads(shell(command))["result"] for _ in range(2)] == ["accepted", "duplicate"]
    assert counts(desktop, Program.CURL) - before == {("qwen3:8b", 12, 3): 1}


def test_curl_passes_an_answer_of_ollama_on(desktop: Desktop, tmp_path: Path) -> None:
    command, _ = snippet(desktop, Program.CURL, 1)
    before = counts(desktop, Program.CURL)
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(OLLAMA | {"created_at": utc_now().isoformat(), "response": "A secret"}))
    _, piped = command.split("|", 1)
    assert json.loads(shell(f"cat {answer} |{piped}"))["result"] == "accepted"
    assert counts(desktop, Program.CURL) - before == {("qwen3:8b", 26, 282): 1}


def test_script_reports_an_answer_of_ollama(desktop: Desktop, tmp_path: Path) -> None:
    text, _ = snippet(desktop, Program.OLLAMA, 1)
    (tmp_path / "portal_usage.py").write_bytes(content("portal_usage.txt"))
    lines = [line for line in text.splitlines() if not line.startswith(("import ollama", "question", "print"))]
    answer = json.dumps(OLLAMA | {"created_at": utc_now().isoformat()})
    asked = [f"response = json.loads('{answer}')" if line.startswith("response") else line for line in lines]
    (tmp_path / "chat.py").write_text("\n".join(["import json", *asked]))
    subprocess.run([sys.executable, "-W", "error", "chat.py"], cwd=tmp_path, check=True)
    assert counts(desktop, Program.OLLAMA) == {("qwen3:8b", 26, 282): 1}


def test_program_with_opentelemetry_reports_its_spans(desktop: Desktop, tmp_path: Path) -> None:
    text, _ = snippet(desktop, Program.OPENTELEMETRY)
    variables = dict(word.split("=", 1) for word in shlex.split(text) if "=" in word)
    (tmp_path / "app.py").write_text(
        "from opentelemetry import trace\n"
        "from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter\n"
        "from opentelemetry.sdk.trace import TracerProvider\n"
        "from opentelemetry.sdk.trace.export import BatchSpanProcessor\n"
        "provider = TracerProvider()\n"
        "provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))\n"
        "with provider.get_tracer('app').start_as_current_span('chat', kind=trace.SpanKind.CLIENT) as span:\n"
        "    span.set_attributes({'gen_ai.operation.name': 'chat', 'gen_ai.request.model': 'qwen3:8b',\n"
        "        'gen_ai.usage.input_tokens': 40, 'gen_ai.usage.output_tokens': 2, 'user.id': '7'})\n"
        "provider.shutdown()\n"
    )
    subprocess.run([sys.executable, "app.py"], cwd=tmp_path, env={**os.environ, **variables}, check=True)
    assert counts(desktop, Program.OPENTELEMETRY) == {("qwen3:8b", 40, 2): 1}


def test_continue_sends_its_usage_to_the_destination(desktop: Desktop) -> None:
    text, _ = snippet(desktop, Program.CONTINUE)
    data = dict(line.strip(" -").split(": ", 1) for line in text.splitlines()[1:])
    assert (data["schema"], data["level"], data["events"]) == ("0.2.0", "noCode", "[tokensGenerated]")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {data['apiKey']}"}
    event = continue_event(TOKENS | {"timestamp": utc_now().isoformat()})
    assert httpx.post(data["destination"], content=event, headers=headers).is_success
    assert counts(desktop, Program.CONTINUE) == {("qwen3:8b", 1200, 48): 1}


def test_function_of_open_webui_reports_once_and_without_text(desktop: Desktop, tmp_path: Path) -> None:
    text, _ = snippet(desktop, Program.OPEN_WEBUI)
    loaded: Any = module(text, tmp_path / "function.py").Filter()
    before = counts(desktop, Program.OPEN_WEBUI)

    async def chat() -> None:
        for body in (CHAT, CHAT, CHAT | {"messages": CHAT["messages"][:1]}):
            assert await loaded.outlet(body) is body
        await asyncio.gather(*loaded._tasks)

    asyncio.run(chat())
    assert counts(desktop, Program.OPEN_WEBUI) - before == {("qwen3:8b", 26, 282): 1}
    assert b"A secret" not in stored_bytes(desktop)


def test_answer_without_counts_in_open_webui_is_shown_as_such(desktop: Desktop, tmp_path: Path) -> None:
    text, _ = snippet(desktop, Program.OPEN_WEBUI)
    loaded: Any = module(text, tmp_path / "function.py").Filter()
    message = {"id": "m-4", "role": "assistant", "content": "A secret"}
    loaded.send(
        module(text, tmp_path / "again.py").usage_event({"model": "gpt", "chat_id": "c-2", "messages": [message]})
    )
    assert [row.without_counts for row in desktop.rows(Program.OPEN_WEBUI) if row.model == "gpt"] == [True]
