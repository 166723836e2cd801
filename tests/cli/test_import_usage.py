"""`portal import usage`."""

import csv
import gzip
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pytest
from pyarrow import parquet
from sqlalchemy import func, select

from portal.actions.people.keys import NewKey
from portal.cli import import_usage
from portal.db.metering.gateways import all_gateways
from portal.db.sql.session import Database, database, run_in_reading
from portal.db.tables import Account, Gateway, HeldEvent, UsageEvent
from portal.errors import Unavailable
from portal.imports import file_import
from portal.rules.people.secrets import digest
from tests.cast import NOW, new_gateway, run
from tests.cli.terminal import audit, misuse, portal, rows, succeed

Write = Callable[..., Path]
Stored = list[tuple[str, str, int, int]]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Give a function that writes rows to a file, by its name as CSV, JSON lines or Parquet."""

    def to_file(rows: Sequence[dict[str, Any]], name: str = "usage.csv") -> Path:
        path = tmp_path / name
        if path.suffix == ".parquet":
            parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)
        elif path.suffix == ".jsonl":
            path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        else:
            text = io.StringIO(newline="")
            table = csv.DictWriter(text, list(rows[0]))
            table.writeheader()
            table.writerows(rows)
            content = text.getvalue().encode()
            path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path

    return to_file


@pytest.fixture
def closed(db: Database) -> Iterator[None]:
    """Close what a command has opened; PostgreSQL's connections want it."""
    yield
    database().close()


def used(number: int, username: str = "alice", **changes: Any) -> dict[str, Any]:
    """Return a row of a file; number n has 100 + n prompt tokens and 10 completion tokens."""
    at = NOW - timedelta(days=1) + timedelta(seconds=number)
    row = {"id": f"r-{number}", "username": username, "model": "gpt-4o", "prompt_tokens": 100 + number}
    return {**row, "completion_tokens": 10, "requested_at": at.isoformat(), **changes}


def without_id(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "id"}


def stored() -> Stored:
    """Return the stored events: gateway, id, account, total tokens."""
    wanted = (
        select(Gateway.name, UsageEvent.external_id, UsageEvent.account_id,
               UsageEvent.prompt_tokens + UsageEvent.completion_tokens)
        .join(Gateway, Gateway.id == UsageEvent.gateway_id)
        .order_by(UsageEvent.id)
    )  # fmt: skip
    return run_in_reading(lambda session: [(row[0], row[1], row[2], row[3]) for row in session.execute(wanted)])


def table(output: str) -> list[list[int]]:
    """Return the figures of the summary, a list for each file."""
    return [[int(cell) for cell in row[1:]] for row in rows(output)]


def refused(*words: str) -> str:
    """Type an import that fails; return what it says."""
    done = portal("--quiet", "import", "usage", *words)
    assert done.exit_code == 1, done.output
    return done.stderr


@pytest.mark.parametrize("name", ["usage.csv", "usage.csv.gz", "usage.jsonl", "usage.parquet"])
def test_rows_are_counted_once_for_the_accounts_they_name(
    name: str, write: Write, alice: Account, bob: Account, charlie: Account
) -> None:
    file = write([used(1), used(2, "bob"), used(3), used(4, "nobody")], name)
    assert table(succeed("import", "usage", str(file))) == [[3, 0, 1, 0, 0, 0]]
    assert stored() == [
        ("files", "r-1", alice.id, 111),
        ("files", "r-2", bob.id, 112),
        ("files", "r-3", alice.id, 113),
    ]
    assert table(succeed("import", "usage", str(file), "--again")) == [[0, 3, 1, 0, 0, 0]]
    assert len(stored()) == 3
    assert run(lambda session: session.scalar(select(func.count()).select_from(HeldEvent))) == 1
    assert portal("verify").exit_code == 0


@pytest.mark.parametrize("heading", ["User Email", "username", "email", "user_email", "E-Mail"])
def test_people_are_named_by_email_address(heading: str, write: Write, alice: Account, bob: Account) -> None:
    named = [used(1, "alice@example.org"), used(2, "Alice@Example.org"), used(3, "bob@example.org")]
    file = write([{heading if name == "username" else name: value for name, value in row.items()} for row in named])
    assert table(succeed("import", "usage", str(file))) == [[3, 0, 0, 0, 0, 0]]
    assert [account_id for _, _, account_id, _ in stored()] == [alice.id, alice.id, bob.id]
    assert portal("verify").exit_code == 0


def test_a_username_column_goes_before_one_of_addresses(write: Write, alice: Account, bob: Account) -> None:
    succeed("import", "usage", str(write([{**used(1), "email": "bob@example.org"}])))
    assert [account_id for _, _, account_id, _ in stored()] == [alice.id]


@pytest.mark.parametrize("database_kind", ["sqlite", "postgresql"])
def test_a_dry_run_says_the_same_and_stores_nothing(
    database_kind: str, write: Write, alice: Account, closed: None
) -> None:
    file = str(write([used(1), used(2, "nobody"), used(3, prompt_tokens=-1), used(1, prompt_tokens=7)]))
    done = portal("import", "usage", file, "--dry-run")
    assert (done.exit_code, table(done.stdout)) == (1, [[1, 0, 1, 1, 1, 0]])
    assert "nothing was stored" in done.stderr
    assert (stored(), run(all_gateways), [action for action, _ in audit()]) == ([], [], [])
    done = portal("import", "usage", file)
    assert (done.exit_code, table(done.stdout)) == (1, [[1, 0, 1, 1, 1, 0]])
    assert stored() == [("files", "r-1", alice.id, 111)]
    assert [action for action, _ in audit()] == ["gateway.create", "usage.import"]


def test_columns_are_shown_first_without_keys(write: Write, alices_key: NewKey) -> None:
    row = used(1, api_key=alices_key.secret)
    file = write([{"Timestamp" if name == "requested_at" else name: value for name, value in row.items()}])
    output = portal("import", "usage", str(file), "--dry-run", "--set", "mode=moe").stderr
    assert f"{file}: CSV, columns by their names, for the gateway files." in output
    assert "  requested_at       Timestamp          2026-11-21T" in output
    assert "  mode               (all rows)         moe" in output
    assert f"  api_key            api_key            {alices_key.secret[:16]}…\n" in output
    assert alices_key.secret not in output


def test_spend_logs_of_litellm_go_by_keys(write: Write, alices_key: NewKey, alice: Account) -> None:
    log = {"request_id": "chatcmpl-1", "call_type": "acompletion", "api_key": digest(alices_key.secret), "spend": 0.1,
           "prompt_tokens": 100, "completion_tokens": 20, "startTime": "2026-11-21 10:00:00", "endTime": "",
           "model": "openai/gpt-4o", "model_group": "gpt-4o", "cache_hit": "False", "status": "success"}  # fmt: skip
    hit = {**log, "request_id": "chatcmpl-1_cache_hit1", "cache_hit": "True"}
    denied = {**log, "request_id": "denied", "status": "failure", "model": "", "model_group": "",
              "prompt_tokens": 0, "completion_tokens": 0}  # fmt: skip
    done = portal("import", "usage", str(write([log, hit, denied])))
    assert (done.exit_code, table(done.stdout)) == (0, [[2, 0, 0, 0, 0, 1]])
    assert "LiteLLM's spend logs, for the gateway litellm" in done.stderr
    assert "1 skipped, the first is row 3: failed before a model was chosen" in done.stderr
    events = run(lambda session: list(session.scalars(select(UsageEvent).order_by(UsageEvent.id))))
    assert [(e.model, e.provider_model, e.billable_tokens) for e in events] == [
        ("gpt-4o", "openai/gpt-4o", 120),
        ("gpt-4o", "openai/gpt-4o", 0),
    ]
    assert {e.account_id for e in events} == {alice.id}


def test_logs_of_new_api_go_by_user_names_and_leave_top_ups_out(write: Write, alice: Account, bob: Account) -> None:
    def log(number: int, username: str, kind: int) -> dict[str, Any]:
        tokens = {"prompt_tokens": 10 * number, "completion_tokens": 1}
        model = "gpt-4o" if kind == 2 else ""
        return {"id": number, "created_at": 1795255200 + number, "type": kind, "username": username, "quota": 5,
                "model_name": model, **tokens, "use_time": 2, "other": "{}"}  # fmt: skip

    file = write([log(1, "Alice", 2), log(2, "alice", 1), log(3, "bob", 2), log(4, "alice", 5)])
    done = portal("import", "usage", str(file), "--gateway", "berlin", "--set", "mode=relay")
    assert (done.exit_code, table(done.stdout)) == (0, [[2, 0, 0, 0, 0, 2]])
    assert stored() == [("berlin", "1", alice.id, 11), ("berlin", "3", bob.id, 31)]


def test_rows_go_to_the_gateway_that_is_there_in_its_mode(write: Write, alice: Account) -> None:
    new_gateway("moe-1", mode="moe_orchestrated")
    succeed("import", "usage", str(write([used(1)])), "--gateway", "moe-1")
    [event] = run(lambda session: list(session.scalars(select(UsageEvent))))
    assert (event.mode, len(run(all_gateways))) == ("moe_orchestrated", 1)


def test_requests_that_the_gateway_reported_itself_are_left_out(write: Write, alice: Account) -> None:
    file = write([used(1), used(2, requested_at="2026-11-21T23:59:59Z"), used(3, requested_at="2026-11-22T00:00:00Z")])
    assert table(succeed("import", "usage", str(file), "--before", "2026-11-22")) == [[2, 0, 0, 0, 0, 1]]


def test_clocks_without_an_offset_need_a_zone(write: Write, alice: Account) -> None:
    file = str(write([used(1, requested_at="2026-07-01 10:00:00")]))
    assert "Name their time zone with --timezone" in refused(file)
    assert stored() == []
    succeed("import", "usage", file, "--timezone", "Europe/Berlin")
    [event] = run(lambda session: list(session.scalars(select(UsageEvent))))
    assert event.requested_at.isoformat() == "2026-07-01T08:00:00+00:00"


def test_bad_rows_are_rejected_alone_and_grouped_by_reason(write: Write, alice: Account) -> None:
    file = write([used(1), used(2, prompt_tokens="many"), used(3, prompt_tokens="more"), used(4, id=""), used(5)])
    file.write_bytes(file.read_bytes() + b"r-6,ali")
    done = portal("import", "usage", str(file))
    assert (done.exit_code, table(done.stdout)) == (1, [[2, 0, 0, 0, 4, 0]])
    assert f"{file}: 2 rejected, the first is row 2: prompt_tokens must be a number.\n" in done.stderr
    assert f"{file}: 1 rejected, the first is row 4: id is missing.\n" in done.stderr
    assert f"{file}: 1 rejected, the first is row 6: The row does not have 6 cells" in done.stderr


def test_missing_columns_are_named_and_nothing_is_stored(write: Write, alice: Account) -> None:
    file = str(write([{"when": 1795255200, "who": "alice", "tokens": 120}]))
    output = refused(file)
    assert output.startswith(f"portal: {file}: No column is known to say model, prompt_tokens, completion_tokens")
    assert "The columns are when, who, tokens." in output
    assert run(all_gateways) == []
    succeed("import", "usage", file, "--map", "requested_at=when", "--map", "username=who",
            "--map", "prompt_tokens=tokens", "--set", "completion_tokens=0", "--set", "model=unknown")  # fmt: skip
    assert [event[2:] for event in stored()] == [(alice.id, 120)]


def test_rows_without_ids_differ_by_their_values(write: Write, alice: Account) -> None:
    row = without_id(used(1))
    done = portal("import", "usage", str(write([row, row, {**row, "model": "other"}])))
    assert table(done.stdout) == [[3, 0, 0, 0, 0, 0]]
    assert "There is no id" in done.stderr
    assert table(succeed("import", "usage", str(write([row, row, row], "longer.csv")))) == [[1, 2, 0, 0, 0, 0]]


def test_one_bad_file_does_not_stop_the_others(write: Write, alice: Account, tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\0")
    files = [write([used(1)], "a.csv"), tmp_path / "picture.csv", tmp_path / "none.csv", tmp_path,
             write([used(2)], "b.csv")]  # fmt: skip
    done = portal("import", "usage", *map(str, files))
    assert done.exit_code == 1
    assert [row[0] for row in table(done.stdout)] == [1, 0, 0, 0, 1]
    assert f"portal: {tmp_path}/picture.csv is no text. CSV, JSON lines and Parquet can be read.\n" in done.stderr
    assert f"portal: No such file or directory: {tmp_path}/none.csv.\n" in done.stderr
    assert f"portal: Is a directory: {tmp_path}.\n" in done.stderr


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Give a function that has the third batch of three rows fail when it is written but not committed."""
    store = file_import.store_batch

    def arrange(failure: BaseException) -> None:
        batches = iter(range(100))

        def store_and_fail(*args: Any) -> Any:
            outcomes = store(*args)
            if next(batches) == 2:
                raise failure
            return outcomes

        monkeypatch.setattr(file_import, "BATCH", 3)
        monkeypatch.setattr(file_import, "store_batch", store_and_fail)

    return arrange


@pytest.mark.parametrize("has_ids", [True, False], ids=["ids of its own", "without ids"])
def test_an_interrupted_import_goes_on_where_it_was(
    interrupted: Callable[[BaseException], None],
    has_ids: bool,
    write: Write,
    alice: Account,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    all_rows = [used(number) if has_ids else without_id(used(number // 4)) for number in range(10)]
    file = str(write(all_rows))
    interrupted(KeyboardInterrupt())
    done = portal("import", "usage", file)
    assert done.exit_code == 130
    assert "Run the same command again" in done.stderr
    assert len(stored()) == 6
    assert portal("verify").exit_code == 0
    monkeypatch.undo()
    done = portal("import", "usage", file)
    assert "6 rows were imported before; continuing from there." in done.stderr
    assert table(done.stdout) == [[4, 0, 0, 0, 0, 0]]
    assert sum(event[3] for event in stored()) == sum(row["prompt_tokens"] + 10 for row in all_rows)
    assert portal("verify").exit_code == 0


def test_unavailable_database_is_reported(
    interrupted: Callable[[BaseException], None], write: Write, alice: Account
) -> None:
    interrupted(Unavailable())
    done = portal("import", "usage", str(write([used(number) for number in range(10)])))
    assert done.exit_code == 1
    assert "The database cannot be used right now" in done.stderr
    assert table(done.stdout) == [[6, 0, 0, 0, 0, 0]]


def test_a_file_that_was_imported_is_known_wherever_it_is_moved(write: Write, alice: Account, tmp_path: Path) -> None:
    file = write([used(1), used(2)])
    succeed("import", "usage", str(file))
    moved = file.rename(tmp_path / "moved")
    done = portal("import", "usage", str(moved))
    assert (done.exit_code, table(done.stdout)) == (0, [[0, 0, 0, 0, 0, 0]])
    assert "was imported before, with all of its 2 rows" in done.stderr
    assert table(succeed("import", "usage", str(write([used(1), used(2), used(3)])))) == [[1, 2, 0, 0, 0, 0]]
    other = portal("import", "usage", str(moved), "--map", "prompt_tokens=completion_tokens")
    assert (other.exit_code, table(other.stdout)) == (0, [[0, 0, 0, 2, 0, 0]])


KILLED = """
import os, signal, sys
from portal.cli import main
from portal.imports import file_import

store, batches = file_import.store_batch, iter(range(100))

def store_and_die(*args):
    outcomes = store(*args)
    if next(batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    return outcomes

file_import.BATCH, file_import.store_batch = 3, store_and_die
main()
"""
"""The command, killed when its third batch is written but not committed."""


def test_a_killed_import_loses_nothing_and_counts_nothing_twice(write: Write, alice: Account, bob: Account) -> None:
    all_rows = [used(number, "bob" if number % 3 else "alice") for number in range(20)]
    file = str(write(all_rows))
    killed = subprocess.run([sys.executable, "-c", KILLED, "import", "usage", file], capture_output=True, check=False)
    assert (killed.returncode, len(stored())) == (-signal.SIGKILL, 6), killed.stderr
    done = portal("import", "usage", file)
    assert "6 rows were imported before" in done.stderr
    assert table(done.stdout) == [[14, 0, 0, 0, 0, 0]]
    sums = {account: sum(event[3] for event in stored() if event[2] == account) for account in (alice.id, bob.id)}
    assert sums == {
        account.id: sum(row["prompt_tokens"] + 10 for row in all_rows if row["username"] == account.username)
        for account in (alice, bob)
    }
    assert portal("verify").exit_code == 0


def test_file_with_column_names_only_imports_nothing(write: Write, alice: Account) -> None:
    file = write([used(1)])
    file.write_text(file.read_text().splitlines()[0] + "\n")
    assert table(succeed("import", "usage", str(file))) == [[0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize(("answer", "status"), [("y\n", 0), ("n\n", 1)], ids=["yes", "no"])
def test_on_a_terminal_it_asks(
    answer: str, status: int, write: Write, alice: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_usage, "can_ask", lambda: True)
    done = portal("import", "usage", str(write([used(1)])), typed=answer)
    assert (done.exit_code, len(stored())) == (status, 1 - status)
    assert portal("import", "usage", str(write([used(2)])), "--yes", typed="").exit_code == 0


@pytest.mark.parametrize(
    "words",
    [
        ("--map", "model"),
        ("--set", "=x"),
        ("--timezone", "Mars/Base"),
        ("--before", "soon"),
        ("--gateway", "\udcff"),
        (),
    ],
    ids=["no column", "no field", "no zone", "no day", "no text", "no file"],
)
def test_wrong_options_are_wrong_usage(words: tuple[str, ...], db: Database, write: Write) -> None:
    files = [str(write([used(1)]))] if words else []
    misuse("import", "usage", *files, *words)


def test_gateway_of_own_reports_is_refused_as_a_target(write: Write, alice: Account) -> None:
    assert "own-reports" in refused(str(write([used(1)])), "--gateway", "own-reports")
    assert stored() == []
