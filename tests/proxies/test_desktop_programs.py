"""LiteLLM and Ollama's library report to the desktop program with the texts of its page Connect, without any key."""

import os
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from portal.db.metering.usage import UsageRow
from portal.pages.account.program_guides import GUIDES
from portal.pages.components.assets import content
from portal.rules.metering.programs import Program
from tests.desktop.process import Desktop, start_desktop
from tests.proxies.ollama_server import ollama_server

PROGRAMS = Path(os.environ.get("PORTAL_TEST_LITELLM", "nowhere"))
MODEL = """\
model_list:
  - model_name: small
    litellm_params:
      model: openai/gpt-4o-mini
      api_key: none
      mock_response: a secret answer
"""


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    assert PROGRAMS.is_dir(), "LiteLLM is not installed: run these tests with `make gateway-test`."
    running = start_desktop(tmp_path_factory.mktemp("desktop"))
    yield running
    running.stop()


def environment(**variables: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | variables


def rows(desktop: Desktop, program: Program, count: int) -> list[UsageRow]:
    """Return the requests of a program, as soon as there are `count`."""
    until = time.monotonic() + 30
    while len(found := desktop.rows(program)) < count and time.monotonic() < until:
        time.sleep(0.2)
    return found


def test_litellm_reports_each_request(desktop: Desktop, tmp_path: Path) -> None:
    text = GUIDES[Program.LITELLM].steps[0].text(desktop.url, desktop.token(Program.LITELLM))
    (tmp_path / "config.yaml").write_text(MODEL + text, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    key = f"sk-{secrets.token_hex(24)}"  # LiteLLM does not start without one; the portal does not know it
    own = environment(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_MASTER_KEY=key)
    command = [str(PROGRAMS / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with (tmp_path / "log").open("wb") as log:
        proxy = subprocess.Popen(command, cwd=tmp_path, env=own, stdout=log, stderr=log)
    try:
        answer = _chat(f"http://127.0.0.1:{port}", key, proxy, tmp_path / "log")
        found = rows(desktop, Program.LITELLM, 1)
    finally:
        proxy.kill()
        proxy.wait()
    [row] = found
    assert (row.model, row.status, row.mode) == ("small", "ok", "litellm")
    usage = answer["usage"]
    assert (row.prompt_tokens, row.completion_tokens) == (usage["prompt_tokens"], usage["completion_tokens"])


def _chat(proxy: str, key: str, program: "subprocess.Popen[bytes]", log: Path) -> dict[str, dict[str, int]]:
    until = time.monotonic() + 120
    while True:
        assert program.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() < until, log.read_text(errors="replace")[-3000:]
        try:
            if httpx.get(f"{proxy}/health/liveliness").is_success:
                break
        except httpx.TransportError:
            time.sleep(0.2)
    asked = {"model": "small", "messages": [{"role": "user", "content": "a secret question"}]}
    headers = {"Authorization": f"Bearer {key}"}
    answer: dict[str, dict[str, int]] = httpx.post(
        f"{proxy}/chat/completions", json=asked, headers=headers, timeout=60
    ).json()
    return answer


def test_script_with_the_library_of_ollama_reports_its_answer(desktop: Desktop, tmp_path: Path) -> None:
    guide = GUIDES[Program.OLLAMA].steps
    (tmp_path / guide[0].name).write_bytes(content(guide[0].saved))
    text = guide[1].text(desktop.url, desktop.token(Program.OLLAMA))
    streamed = (
        'for response in ollama.chat(model="qwen3:8b", messages=[question], stream=True):\n    pass\nreport(response)\n'
    )
    (tmp_path / "chat.py").write_text(text + streamed, encoding="utf-8")
    with ollama_server() as address:
        command = [str(PROGRAMS / "python"), "-W", "error::UserWarning", "chat.py"]
        done = subprocess.run(
            command, check=False, cwd=tmp_path, env=environment(OLLAMA_HOST=address), capture_output=True, text=True
        )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "a secret answer\n")
    found = rows(desktop, Program.OLLAMA, 2)
    assert [(row.model, row.prompt_tokens, row.completion_tokens) for row in found] == [("qwen3:8b", 26, 282)] * 2
