"""`portal import moe-sovereign` and `portal follow moe-sovereign`, from a real PostgreSQL."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import create_engine, func, select, text

from portal.actions.metering.held import assign_held
from portal.actions.metering.imports import WAS_DELETED, import_batch
from portal.actions.people.sessions import Browser, sign_in
from portal.actions.spending.budgets import set_budget
from portal.clock import utc_now
from portal.db.metering.held import held_events
from portal.db.people.keys import keys
from portal.db.spending.budgets import limits
from portal.db.sql.schema import migrate
from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account, ApiKey, ImportProgress, Note, UsageCounter, UsageEvent
from portal.db.templates import AssignedModel, models_of, template_of
from portal.errors import Unavailable
from portal.rules.people.secrets import API_KEY, digest, new_secret
from portal.rules.spending.budgets import BudgetType, Limits
from portal.settings import settings
from tests.cast import NOW, OPERATOR, id_of, opens, run
from tests.cli.terminal import audit, fail, misuse, portal, rows, succeed, the
from tests.databases import Server
from tests.queries import count_held
from tools.import_proof.source import AT, Sovereign, insert, request

BROWSER = Browser("Firefox", "127.0.0.1")


@pytest.fixture(scope="module")
def tables(postgresql: Server) -> Iterator[Sovereign]:
    """The tables of a MoE Sovereign."""
    made = Sovereign(postgresql.new_url())
    yield made
    made.close()


@pytest.fixture
def sovereign(tables: Sovereign) -> Sovereign:
    """The same without a row."""
    tables.empty()
    return tables


@pytest.fixture
def busy(sovereign: Sovereign) -> Sovereign:
    """Two people with a key and 120 requests each, mixed in time, every tenth without a key."""
    for number, name in enumerate(("alice", "bob")):
        sovereign.user(name)
        sovereign.key(name, digest(name))
        with sovereign.engine.begin() as connection:
            for count in range(120):
                row = request(f"{name}-{count * 7919 % 120:03}", name, AT + timedelta(hours=5 * count + number))
                row["api_key_id"] = None if count % 10 == 0 else f"k-{name}"
                row |= {"prompt_tokens": count, "total_tokens": count + 20}
                insert(connection, "usage_log", **row)
    return sovereign


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have few rows read at once."""
    monkeypatch.setattr("portal.imports.sovereign.source.BATCH", 25)


@pytest.fixture
def is_interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Give a function that has a batch fail after it was stored and before it is committed, with so many before it."""

    def interrupt(batches: int) -> None:
        left = iter(range(batches, -1, -1))

        def fails(*args: Any) -> Any:
            findings = import_batch(*args)
            if next(left) == 0:
                raise OSError("the plug was pulled")
            return findings

        monkeypatch.setattr("portal.imports.sovereign.run.import_batch", fails)

    return interrupt


class Programs:
    """Commands that run as programs of their own, on a database of their own."""

    def __init__(self, directory: Path) -> None:
        self.url = f"sqlite:///{directory / 'portal.sqlite3'}"
        self._log = directory / "log"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start one."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PORTAL_", "PYTEST_"))}
        with self._log.open("wb") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "portal.cli", *words],
                env=inherited | {"PORTAL_DATABASE_URL": self.url},
                stderr=log,
            )

    @property
    def output(self) -> str:
        """All that it has written for people."""
        return self._log.read_text(encoding="utf-8")


@pytest.fixture
def own_database(
    tmp_path: Path, settings_env: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Programs]:
    """Give programs a database, which is this process's as well."""
    programs = Programs(tmp_path)
    opened = Database(programs.url)
    migrate(opened)
    monkeypatch.setattr("portal.db.sql.session._database", opened)
    settings_env(database_url=programs.url)
    yield programs
    opened.close()


def run_import(source: Sovereign, *options: str) -> dict[str, list[int]]:
    """Import; return the numbers of the summary by what they are about."""
    table = rows(succeed("import", "moe-sovereign", source.url, *options))
    return {row[0]: [int(number) for number in row[1:]] for row in table}


def sums() -> list[tuple[Any, ...]]:
    """Return what the portal has counted, as `Sovereign.sums` does."""
    counted = (UsageCounter.requests, UsageCounter.prompt_tokens, UsageCounter.completion_tokens)
    query = select(Account.username, *counted, UsageCounter.prompt_tokens + UsageCounter.completion_tokens)
    query = query.join(Account, Account.id == UsageCounter.account_id).where(UsageCounter.period == "total")
    with database().reading() as session:
        return [tuple(row) for row in session.execute(query.order_by(Account.username))]


def test_import_stores_the_usage_of_all_people(db: Database, busy: Sovereign) -> None:
    assert run_import(busy)["requests"] == [240, 0, 0]
    assert sums() == busy.sums()
    assert portal("verify").exit_code == 0
    with db.reading() as session:
        owners = select(UsageEvent.account_id, ApiKey.account_id, func.count())
        owners = owners.join(ApiKey, ApiKey.id == UsageEvent.api_key_id).group_by("account_id", ApiKey.account_id)
        assert {tuple(row) for row in session.execute(owners)} == {
            (the(name).id, the(name).id, 108) for name in ("alice", "bob")
        }


def test_repeated_import_adds_new_rows_and_counts_none_twice(db: Database, busy: Sovereign) -> None:
    run_import(busy)
    before = sums()
    busy.request("late", "bob", AT - timedelta(days=300))
    busy.user("carol")
    busy.request("first", "carol")
    again = run_import(busy)
    assert again["accounts"] == [1, 2, 0]
    assert again["API keys"] == [0, 2, 0]
    assert again["requests"][0] == 2
    assert sums() == busy.sums() != before
    assert run_import(busy)["requests"][0] == 0
    assert portal("verify").exit_code == 0


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [0, 1, 4, 8])
def test_an_import_interrupted_goes_on_where_it_was(
    db: Database, busy: Sovereign, is_interrupted: Callable[[int], None], batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_interrupted(batches)
    assert "plug" in fail("import", "moe-sovereign", busy.url)
    assert portal("verify").exit_code == 0
    busy.request("alice-early", "alice", AT - timedelta(days=300))
    busy.request("bob-late", "bob", AT + timedelta(days=300))
    monkeypatch.setattr("portal.imports.sovereign.run.import_batch", import_batch)
    assert run_import(busy)["requests"][0] == 242 - 25 * batches
    assert sums() == busy.sums()
    assert portal("verify").exit_code == 0


def test_rows_committed_late_are_imported(db: Database, busy: Sovereign) -> None:
    with busy.engine.connect() as slow:
        insert(slow, "usage_log", **request("slow", "alice"))
        run_import(busy)
        busy.request("meanwhile", "alice", AT + timedelta(days=400))
        assert run_import(busy)["requests"][0] == 1
        slow.commit()
    assert run_import(busy)["requests"][0] == 1
    assert sums() == busy.sums()


def test_only_what_was_written_since_is_read_again(db: Database, busy: Sovereign) -> None:
    run_import(busy)
    busy.request("new")
    assert sum(run_import(busy)["requests"]) <= 2
    assert run_import(busy, "--again")["requests"] == [0, 241, 0]


def test_a_server_that_was_set_back_is_read_from_the_start(db: Database, busy: Sovereign) -> None:
    run_import(busy)
    run(lambda session: session.execute(
        text("UPDATE import_progress SET position = replace(position, '\"timeline\": 1', '\"timeline\": 0')")
    ))  # fmt: skip
    assert run_import(busy)["requests"] == [0, 240, 0]


def test_a_process_that_was_killed_leaves_nothing_half_done(busy: Sovereign, own_database: Programs) -> None:
    many = "INSERT INTO usage_log (id, user_id, request_id, model, moe_mode, prompt_tokens, total_tokens, requested_at)"
    made = "SELECT 'n-' || n, 'u-bob', n, 'phi4', 'native', n, n, '2025-01-01T00:00:00' FROM generate_series(1, 8000) n"
    busy.execute(f"{many} {made}")
    killed = own_database.start("import", "moe-sovereign", busy.url)
    _wait(lambda: _rows_noted() > 0)
    killed.kill()
    killed.wait()
    noted = _rows_noted()
    assert 0 < noted < 8240
    assert portal("verify").exit_code == 0
    assert run_import(busy)["requests"] == [8240 - noted, 0, 0]
    assert sums() == busy.sums()
    assert portal("verify").exit_code == 0


def test_follower_imports_new_rows_until_it_is_stopped(busy: Sovereign, own_database: Programs) -> None:
    follower = own_database.start("follow", "moe-sovereign", busy.url, "--every", "0.1")
    _wait(lambda: sums() == busy.sums())
    with busy.engine.connect() as slow:
        insert(slow, "usage_log", **request("slow", "bob"))
        busy.user("carol")
        busy.request("hers", "carol", AT + timedelta(days=400))
        _wait(lambda: len(sums()) == 3)
        slow.commit()
    _wait(lambda: sums() == busy.sums())
    _allow_connections(busy, False)
    _wait(lambda: "Trying again" in own_database.output)
    _allow_connections(busy, True)
    busy.request("after", "carol")
    _wait(lambda: sums() == busy.sums())
    follower.send_signal(signal.SIGTERM)
    assert follower.wait(10) == 0
    assert "imported 1 account, 1 request" in own_database.output
    assert portal("verify").exit_code == 0


def test_deleted_person_is_named_and_does_not_come_again(db: Database, busy: Sovereign) -> None:
    run_import(busy)
    remains = succeed("user", "delete", "alice", "--yes").split()[-1].rstrip(".")
    busy.execute("UPDATE users SET display_name = 'Alice Liddell' WHERE username = 'alice'")
    busy.request("hers", api_key_id="k-alice")
    done = portal("import", "moe-sovereign", busy.url, "--again")
    assert f"1 account not imported: {WAS_DELETED} For instance alice." in done.stderr
    assert [row for row in rows(done.stdout) if row[0] == "requests"] == [["requests", "1", "240", "0"]]
    assert [(row[0], row[1]) for row in sums()] == [("bob", 120), (remains, 121)]
    assert portal("verify").exit_code == 0


def _wait(until: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def _rows_noted() -> int:
    with database().reading() as session:
        return session.scalar(select(ImportProgress.rows)) or 0


def _allow_connections(source: Sovereign, allowed: bool) -> None:
    """Switch the database off for everybody, or on again."""
    name, source_url = source.engine.url.database, source.engine.url
    source.engine.dispose()
    elsewhere = create_engine(source_url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with elsewhere.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allowed}"))
    elsewhere.dispose()


def test_a_person_signs_in_with_their_old_password(db: Database, sovereign: Sovereign) -> None:
    sovereign.user("alice", hashed_password=bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode())
    run_import(sovereign)
    assert sign_in("alice", "correct horse", BROWSER, None, utc_now()).account_id == the("alice").id
    run_import(sovereign)
    assert sign_in("alice", "correct horse", BROWSER, None, utc_now()).account_id == the("alice").id


def test_a_persons_program_gets_in_with_its_old_key(db: Database, sovereign: Sovereign) -> None:
    working, locked, ended = (new_secret(API_KEY) for _ in range(3))
    sovereign.user("alice")
    sovereign.key("alice", digest(working), key_prefix=working[:16], label="Laptop")
    sovereign.key("alice", digest(locked), id="k-2", is_active=False)
    sovereign.key("alice", digest(ended), id="k-3", expires_at="2025-01-01T00:00:00")
    assert run_import(sovereign)["API keys"] == [3, 0, 0]
    assert [opens(secret, utc_now()) for secret in (working, locked, ended)] == [True, False, False]
    here = {key.label: key for key in run_in_reading(keys, the("alice").id)}
    assert (here["Laptop"].prefix, here["Laptop"].created_at.isoformat()) == (
        working[:16],
        "2026-01-03T00:00:00+00:00",
    )
    sovereign.execute("UPDATE api_keys SET is_active = NOT is_active")
    run_import(sovereign)
    assert [opens(secret, utc_now()) for secret in (working, locked)] == [False, False]


def test_limits_templates_and_notes_come_with_their_people(db: Database, sovereign: Sovereign) -> None:
    sovereign.user("alice", role="expert", timezone_offset_hours=2.0)
    sovereign.user("bob", is_admin=True, is_active=False)
    sovereign.add("token_budgets", user_id="u-alice", daily_limit=1000, monthly_limit=None, total_limit=0)
    sovereign.add("token_budgets", user_id="u-bob", total_limit=50, budget_type="one_time")
    experts = '{"experts": {"code": {"models": [{"model": "phi4:14b", "endpoint": "gpu-1", "required": false}]}}}'
    sovereign.add("admin_expert_templates", id="tmpl-1", name="Research", config_json=experts)
    sovereign.add(
        "permissions", id="p", user_id="u-alice", resource_type="expert_template", resource_id="tmpl-1", granted_at=""
    )
    sovereign.request("noted", "alice", notes="  for the thesis ")
    counts = run_import(sovereign)
    assert {what: numbers[0] for what, numbers in counts.items()} == {
        "expert templates": 1, "accounts": 2, "API keys": 0, "budgets": 2, "template assignments": 1, "requests": 1,
        "notes": 1,
    }  # fmt: skip
    alice, bob = the("alice"), the("bob")
    assert (alice.role, alice.time_zone, alice.language, alice.active) == ("expert", "Etc/GMT-2", "de", True)
    assert (bob.role, bob.time_zone, bob.active) == ("admin", None, False)
    with db.reading() as session:
        assert limits(session, alice.id) == Limits(daily=1000)
        assert limits(session, bob.id) == Limits(total=50, type=BudgetType.ONE_TIME)
        template = template_of(session, alice.id)
        assert template is not None
        assert models_of(session, template.id) == [AssignedModel("code", "phi4:14b", "gpu-1", False)]
        assert session.execute(select(Note.account_id, Note.text)).one() == (alice.id, "for the thesis")
    actions = {action for action, _ in audit()}
    assert actions >= {"account.import", "budget.set", "template.set", "template.assign", "import.moe-sovereign"}


def test_existing_data_is_not_changed(db: Database, alice: Account, sovereign: Sovereign) -> None:
    run(set_budget, OPERATOR, alice.id, Limits(daily=5), NOW)
    sovereign.user("alice", email="other@example.org", is_admin=True, is_active=False)
    sovereign.add("token_budgets", user_id="u-alice", daily_limit=1000)
    done = portal("import", "moe-sovereign", sovereign.url)
    assert "1 budget: It is not the same here, and stays as it is. For instance alice." in done.stderr
    now = the("alice")
    assert (now.email, now.role, now.active, now.password_hash) == (alice.email, "user", True, alice.password_hash)
    assert run_in_reading(limits, alice.id) == Limits(daily=5)


def test_a_note_made_here_stays_and_one_made_there_later_comes(db: Database, sovereign: Sovereign) -> None:
    sovereign.user("alice")
    for id in ("r-1", "r-2"):
        sovereign.request(id)
    run_import(sovereign)
    with db.transaction() as session:
        event = session.scalars(select(UsageEvent).where(UsageEvent.external_id == "r-1")).one()
        session.add(Note(usage_id=event.id, account_id=event.account_id, text="mine", updated_at=NOW))
    sovereign.execute("UPDATE usage_log SET notes = 'theirs'")
    assert run_import(sovereign)["notes"] == [1, 1, 0]
    with db.reading() as session:
        assert sorted(session.scalars(select(Note.text))) == ["mine", "theirs"]


def test_omitted_things_are_listed_once_with_their_reason(db: Database, sovereign: Sovereign) -> None:
    sovereign.user("Jörg Müller")
    sovereign.user("alice", id="u-old", created_at="2024-01-01T00:00:00")
    sovereign.user("Alice", email="nowhere")
    for number in range(3):
        sovereign.request(f"j-{number}", "Jörg Müller")
    sovereign.request("upper", "Alice")
    sovereign.request("broken", "Alice", total_tokens=7)
    done = portal("import", "moe-sovereign", sovereign.url)
    assert done.exit_code == 0
    assert "1 account not imported: A user name has letters a to z" in done.stderr
    assert "1 account not imported: Another user there has the same name in other letters. For instance Alice." in (
        done.stderr
    )
    assert "4 requests not imported: Their person is not here; they are held. For instance <" in done.stderr
    assert "1 request not imported: total_tokens is not the sum" in done.stderr
    assert sums() == []
    assert run_in_reading(count_held) == {"unattributed": 4}


def test_held_usage_is_assigned_to_people_imported_later(db: Database, alice: Account, sovereign: Sovereign) -> None:
    sovereign.user("Jörg Müller")
    sovereign.request("j-1", "Jörg Müller")
    run_import(sovereign)
    [(held, _)] = run_in_reading(held_events)
    run(assign_held, OPERATOR, held.id, id_of("alice"), settings().budget_zone, utc_now())
    assert run_import(sovereign, "--again")["requests"] == [0, 1, 0]
    assert sums() == [("alice", 1, 100, 20, 120)]


def test_two_sources_and_two_gateways_do_not_mix(db: Database, busy: Sovereign, postgresql: Server) -> None:
    run_import(busy)
    assert "--gateway moe-sovereign" in fail("import", "moe-sovereign", busy.url, "--gateway", "other")
    second = Sovereign(postgresql.new_url())
    second.user("alice")
    second.request("alice-000-b")
    assert run_import(second)["requests"] == [1, 0, 0]
    assert run_import(busy)["requests"][0] == 0
    second.close()


def test_older_version_without_some_columns_is_imported(db: Database, postgresql: Server) -> None:
    old = Sovereign(postgresql.new_url())
    old.user("alice")
    old.request("r-1")
    old.execute("DROP TABLE user_expert_templates, permissions; ALTER TABLE usage_log DROP latency_ms, DROP notes")
    done = portal("import", "moe-sovereign", old.url)
    assert done.exit_code == 0
    assert "no permissions, user_expert_templates, usage_log.notes, usage_log.latency_ms" in done.stderr
    assert sums() == [("alice", 1, 100, 20, 120)]
    old.close()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        pytest.param("mysql://root:hush@db/x", "not the address of a PostgreSQL database", id="another database"),
        pytest.param("hush", "not the address of a PostgreSQL database", id="no address"),
        pytest.param("postgresql://me:hush@127.0.0.1:1/none", "cannot be read", id="unreachable"),
        pytest.param("postgresql://me:hush@127.0.0.1:x/none", "not the address", id="a word as port"),
    ],
)
def test_wrong_address_is_one_sentence_without_the_password(db: Database, address: str, sentence: str) -> None:
    answer = fail("import", "moe-sovereign", address)
    assert sentence in answer
    assert "hush" not in answer


def test_another_database_is_refused(db: Database, postgresql: Server) -> None:
    assert "no database of MoE Sovereign" in fail("import", "moe-sovereign", postgresql.new_url())


def test_the_address_may_come_from_stdin_or_the_environment(
    db: Database, busy: Sovereign, monkeypatch: pytest.MonkeyPatch
) -> None:
    succeed("import", "moe-sovereign", "-", typed=f"{busy.url}\n")
    monkeypatch.setenv("PORTAL_IMPORT_URL", busy.url)
    succeed("import", "moe-sovereign")
    assert sums() == busy.sums()
    monkeypatch.delenv("PORTAL_IMPORT_URL")
    misuse("import", "moe-sovereign")


def test_a_batch_that_others_were_in_the_way_of_is_tried_again(
    db: Database, busy: Sovereign, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = iter([True, False])

    def busy_once(*args: Any) -> Any:
        if next(tries, False):
            raise Unavailable
        return import_batch(*args)

    monkeypatch.setattr("portal.imports.sovereign.run.import_batch", busy_once)
    monkeypatch.setattr("portal.imports.sovereign.run.PAUSES", (0, 0))
    assert run_import(busy)["requests"] == [240, 0, 0]
