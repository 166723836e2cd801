"""A real LiteLLM proxy with the configuration and the hook of `examples/litellm`, and OpenAI's library in front."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import create_gateway
from portal.actions.metering.verification import verify_account
from portal.actions.people.keys import NewKey, create_key, revoke_key
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.metering.usage import UsageRow
from portal.db.people.accounts import add_account
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database
from portal.db.tables import GatewayToken
from portal.rules.metering.usage import UsageFilter
from portal.rules.spending.budgets import Limits
from portal.settings import settings
from portal.views.metering.usage import load_usage
from portal.views.people.accounts import find_account
from tests.cast import OPERATOR, acting, viewer_of
from tests.portals import ROOT, Process

EXAMPLE = ROOT / "examples" / "litellm"
HERE = Path(__file__).parent
PROGRAMS = Path(os.environ.get("PORTAL_TEST_LITELLM", "nowhere"))
"""Directory of LiteLLM's programs; `make gateway-test` sets the variable."""
CACHED = 5
"""Seconds for which the hook uses an answer, and after which LiteLLM sends its log."""


@dataclass(frozen=True, slots=True)
class House:
    """A portal, a LiteLLM that reports to it, and a person with a key."""

    database: Database
    proxy: str
    account: Any
    key: NewKey

    def run(self, work: Callable[..., Any], *args: Any) -> Any:
        with self.database.transaction() as session:
            return work(session, *args)

    def chat(self, secret: str | None = None) -> dict[str, Any]:
        """Chat once; return the answer, or the error, of OpenAI's library."""
        done = subprocess.run(
            [PROGRAMS / "python", HERE / "client.py", self.proxy, secret or self.key.secret],
            capture_output=True,
            check=True,
            timeout=60,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def rows(self, count: int) -> list[UsageRow]:
        """Return the rows that the person sees, as soon as there are `count`."""
        until = time.monotonic() + 30
        while True:
            rows = list(self.run(load_usage, viewer_of(self.account), UsageFilter(), utc_now(), 50, None).rows)
            if len(rows) >= count or time.monotonic() > until:
                return rows
            time.sleep(0.2)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Start a portal and a LiteLLM with the files of the example."""
    assert PROGRAMS.is_dir(), "LiteLLM is not installed: run these tests with `make gateway-test`."
    directory = tmp_path_factory.mktemp("house")
    (directory / "data").mkdir()
    database = Database(f"sqlite:///{directory / 'data' / 'portal.sqlite3'}")
    migrate(database)
    now = utc_now()
    with database.transaction() as session:
        token = create_gateway(session, OPERATOR, "litellm", now, "moe_orchestrated").token or ""
        account = add_account(session, "mara", "Mara", "mara@example.org", "user", None, now)
        account.time_zone = "Europe/Berlin"
        key = create_key(session, acting(account), account.id, "laptop", None, now)
    portal = Process(directory)
    proxy = _start_litellm(directory / "litellm", portal.address(), token)
    try:
        yield House(database, f"{_wait_for(proxy)}/v1", account, key)
    finally:
        proxy[0].kill()
        proxy[0].wait()
        portal.stop()
        database.close()


def _start_litellm(directory: Path, portal: str, token: str) -> "tuple[subprocess.Popen[bytes], int, Path]":
    """Start LiteLLM as the example does, with a model that answers without a network."""
    shutil.copytree(EXAMPLE, directory)
    config = (directory / "config.yaml").read_text(encoding="utf-8")
    asks_a_provider = "api_key: os.environ/OPENAI_API_KEY"
    assert asks_a_provider in config
    mocked = config.replace(asks_a_provider, "api_key: none\n      mock_response: a secret answer")
    (directory / "config.yaml").write_text(mocked, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")} | {
        "PORTAL_URL": portal,
        "PORTAL_USAGE_URL": f"{portal}/api/v1/usage/litellm",
        "PORTAL_GATEWAY_TOKEN": token,
        "PORTAL_AUTHORIZATION": f"Bearer {token}",
        "LITELLM_MASTER_KEY": f"sk-{secrets.token_hex(24)}",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    log = directory / "log"
    command = [str(PROGRAMS / "litellm"), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port)]
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=directory, env=environment, stdout=output, stderr=output), port, log


def _wait_for(proxy: "tuple[subprocess.Popen[bytes], int, Path]") -> str:
    program, port, log = proxy
    until = time.monotonic() + 120
    while True:
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/liveliness").is_success:
                return f"http://127.0.0.1:{port}"
        except httpx.TransportError:
            pass
        assert program.poll() is None, log.read_text(errors="replace")[-3000:]
        assert time.monotonic() < until, log.read_text(errors="replace")[-3000:]
        time.sleep(0.2)


def test_chat_is_shown_to_the_owner_of_its_key(house: House) -> None:
    answer = house.chat()
    assert answer["prompt"] > 0
    [row] = house.rows(1)
    assert (row.prompt_tokens, row.completion_tokens) == (answer["prompt"], answer["completion"])
    assert (row.model, row.provider_model, row.mode) == ("small", "openai/gpt-4o-mini", "moe_orchestrated")
    assert (row.key_label, row.status, row.billable_tokens) == ("laptop", "ok", answer["prompt"] + answer["completion"])


def test_used_up_budget_is_a_rate_limit_with_retry_after(house: House) -> None:
    mara = house.run(find_account, "mara").id
    house.run(set_budget, OPERATOR, mara, Limits(daily=1), utc_now())
    time.sleep(CACHED)
    refused = house.chat()
    assert refused["error"] == "RateLimitError"
    assert 0 < int(refused["retry_after"]) <= 24 * 3600 + 3600
    house.run(set_budget, OPERATOR, mara, Limits(), utc_now())
    time.sleep(CACHED)
    assert "error" not in house.chat()


def test_unknown_and_revoked_keys_are_refused(house: House) -> None:
    assert house.chat("moe-sk-" + "0" * 48)["error"] == "AuthenticationError"
    other = house.run(create_key, acting(house.account), house.account.id, "lost", None, utc_now())
    assert "error" not in house.chat(other.secret)
    house.run(revoke_key, acting(house.account), house.account.id, other.id, utc_now())
    time.sleep(CACHED)
    assert house.chat(other.secret)["error"] == "AuthenticationError"


def test_revoked_token_of_the_gateway_is_named(house: House) -> None:
    def revoke(session: Session, moment: datetime | None) -> None:
        session.execute(update(GatewayToken).values(revoked_at=moment))

    house.run(revoke, utc_now())
    time.sleep(CACHED)
    asked = {"model": "small", "messages": [{"role": "user", "content": "a secret question"}]}
    key = {"Authorization": f"Bearer {house.key.secret}"}
    refused = httpx.post(f"{house.proxy}/chat/completions", json=asked, headers=key, timeout=30)
    house.run(revoke, None)
    assert refused.status_code == 503
    assert "MoE Portal does not take the token in this gateway's PORTAL_GATEWAY_TOKEN" in refused.text


def test_sums_agree_and_no_prompt_or_answer_is_stored(house: House) -> None:
    spent = [row for row in house.rows(4) if row.status == "ok"]
    assert len(spent) == 3
    with house.database.reading() as session:
        assert list(verify_account(session, house.account.id, settings().budget_zone)) == []
    stored = house.database.engine.url.database
    assert stored is not None
    assert b"a secret" not in Path(stored).read_bytes() + Path(f"{stored}-wal").read_bytes()
