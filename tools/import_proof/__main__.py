"""`python -m tools.import_proof`: import a million requests of a MoE Sovereign, and kill the import several times.

`portal import moe-sovereign` is started again after each kill, until it ends. Then `portal verify` must find no
difference, and the sums of each person must be the same as those of SQL on the source. Meanwhile requests are added to
the source, some of them in a transaction that ends only after the first complete import.
"""

import argparse
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.databases import PostgreSQL, Server, SQLite
from tools.import_proof.source import Sovereign

PEOPLE = 200
FILL_PEOPLE = (
    """
INSERT INTO users (id, username, email, hashed_password, created_at)
SELECT md5('user' || n), 'person' || n, 'person' || n || '@example.org', '$2b$12$' || repeat('a', 53),
    '2025-01-01T00:00:00+00:00' FROM generate_series(1, :people) n
""",
    """
INSERT INTO api_keys (id, user_id, key_hash, key_prefix, label, created_at)
SELECT md5('key' || n), md5('user' || (n % :people + 1)), encode(sha256(('key' || n)::bytea), 'hex'),
    'moe-sk-' || left(md5('key' || n), 9), 'Key ' || n, '2025-01-01T00:00:00' FROM generate_series(0, 2 * :people - 1) n
""",
    "INSERT INTO token_budgets (user_id, monthly_limit) SELECT id, 10000000 FROM users",
)
FILL_USAGE = """
INSERT INTO usage_log (id, user_id, api_key_id, request_id, session_id, model, moe_mode, prompt_tokens,
    completion_tokens, total_tokens, status, notes, requested_at, latency_ms)
SELECT md5('row' || n), md5('user' || person),
    CASE WHEN n % 5 > 0 THEN md5('key' || (person - 1 + n % 2 * :people)) END,
    'chatcmpl-' || n, NULL, (ARRAY['qwen3:32b', 'phi4:14b', 'llama3.3:70b'])[n % 3 + 1],
    CASE n % 4 WHEN 0 THEN 'moe_orchestrated' ELSE 'native' END, prompt, completion, prompt + completion,
    CASE WHEN n % 50 = 0 THEN 'error' ELSE 'ok' END, CASE WHEN n % 1000 = 0 THEN 'note ' || n END,
    to_char(now() AT TIME ZONE 'UTC' - interval '400 days' + n % :spread * (interval '399 days' / :spread),
        'YYYY-MM-DD"T"HH24:MI:SS.US') || '+00:00', hash % 20000
FROM (SELECT n, hash, hash % :people + 1 AS person, hash / 7 % 10000 AS prompt, hash / 11 % 1000 AS completion
    FROM (SELECT n, n * 2654435761 % 4294967296 AS hash FROM
        generate_series(CAST(:first AS bigint), :last) n) numbered) hashed
"""
COUNTED = """
SELECT username, requests, prompt_tokens, completion_tokens, prompt_tokens + completion_tokens
FROM usage_counters JOIN accounts ON accounts.id = account_id WHERE period = 'total' ORDER BY username
"""


class Proof:
    """One source, one portal, and the rows and seconds of the imports."""

    def __init__(self, source: PostgreSQL, portal: Server, rows: int) -> None:
        """Fill the source."""
        self._sovereign = Sovereign(source.new_url())
        self._portal = portal.new_url()
        self._spread = rows
        self.rows = 0
        self.seconds = 0.0
        for statement in FILL_PEOPLE:
            self._sovereign.execute(statement, people=PEOPLE)
        self.add(rows)
        self._sovereign.execute("ANALYZE")

    def add(self, rows: int) -> None:
        """Add requests to the source in a short transaction."""
        self._sovereign.execute(FILL_USAGE, **self._next(rows))

    @contextmanager
    def slow(self, rows: int) -> Iterator[None]:
        """Add requests to the source in a transaction that ends with this context."""
        with self._sovereign.engine.begin() as connection:
            connection.execute(text(FILL_USAGE), self._next(rows))
            yield

    def _next(self, rows: int) -> dict[str, int]:
        first, self.rows = self.rows + 1, self.rows + rows
        return {"people": PEOPLE, "spread": self._spread, "first": first, "last": self.rows}

    def run_import(self, seconds: float | None = None) -> bool:
        """Import, and kill the import after `seconds`; return whether it ended before."""
        began = time.monotonic()
        program = self._start("import", "moe-sovereign", self._sovereign.url)
        try:
            assert program.wait(seconds) == 0, "the import has failed"
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()
            return False
        finally:
            self.seconds += time.monotonic() - began
        return True

    def verify(self) -> bool:
        """Run `portal verify`, and compare the sums of each person with the source; return whether both are equal."""
        is_clean = self._start("verify").wait() == 0
        engine = create_engine(self._portal)
        with engine.connect() as connection:
            counted = [tuple(row) for row in connection.execute(text(COUNTED))]
        engine.dispose()
        there = self._sovereign.sums()
        for where, sums in (("by SQL on the source", there), ("in the portal", counted)):
            requests, tokens = (sum(row[place] for row in sums) for place in (1, 4))
            say(f"{where}: {len(sums)} people, {requests:,} requests, {tokens:,} tokens")
        say("each person's sums are equal" if counted == there else "the sums are NOT equal")
        return is_clean and counted == there

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
        return subprocess.Popen(
            [sys.executable, "-m", "portal.cli", *words], env=inherited | {"PORTAL_DATABASE_URL": self._portal}
        )

    def close(self) -> None:
        """Close the connections."""
        self._sovereign.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the proof with the options of the command line; return the exit status."""
    asked = _arguments(arguments)
    chance = random.Random(asked.seed)
    source = PostgreSQL()
    with tempfile.TemporaryDirectory(prefix="portal-import-") as directory:
        portal: Server = PostgreSQL(durable=True) if asked.database == "postgresql" else SQLite(Path(directory))
        try:
            is_true = prove(Proof(source, portal, asked.rows), asked.kills, chance)
        finally:
            portal.stop()
            source.stop()
    say("nothing lost, nothing doubled" if is_true else f"violated; repeat it with --seed {asked.seed}")
    return 0 if is_true else 1


def prove(proof: Proof, kills: int, chance: random.Random) -> bool:
    """Import and kill the import `kills` times; return whether everything is correct at the end."""
    say("filled")
    with proof.slow(500):
        for number in range(1, kills + 1):
            has_ended = proof.run_import(chance.uniform(5, 60))
            proof.add(1000)
            say(f"{'ended' if has_ended else 'killed'}, {number} of {kills}, {proof.seconds:.0f} s")
        assert proof.run_import()
        say(f"came to its end, {proof.seconds:.0f} s")
    assert proof.run_import()
    is_true = proof.verify()
    say(f"{proof.rows / proof.seconds:,.0f} requests a second, starts and kills included")
    proof.close()
    return is_true


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.import_proof", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="requests to begin with (1,000,000)")
    parser.add_argument("--kills", type=int, default=6, help="how often the program is killed (6)")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite", help="the portal's (sqlite)")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="repeats when it is killed")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
