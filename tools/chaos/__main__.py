"""`make chaos ROUNDS=n`: run n rounds; the exit status is 1 if anything was lost or counted twice."""

import argparse
import logging
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.databases import PostgreSQL, Server, SQLite
from tools.chaos.rounds import Chaos
from tools.chaos.zygote import Zygote

KINDS = ("sqlite", "postgresql")


def main() -> int:
    """Run the rounds that the options ask for; return the exit status."""
    asked = _arguments()
    say(f"seed {asked.seed}")
    logging.getLogger("portal").addHandler(logging.NullHandler())  # the database is away often
    zygote = Zygote()
    try:
        for kind in KINDS if asked.database == "both" else (asked.database,):
            with tempfile.TemporaryDirectory(prefix="portal-chaos-") as directory:
                if not run(zygote, kind, Path(directory), asked.rounds, asked.seed):
                    return 1
    finally:
        zygote.close()
    return 0


def run(zygote: Zygote, kind: str, directory: Path, rounds: int, seed: str) -> bool:
    """Run all rounds on one kind of database and print the progress; return whether there was no violation."""
    server: Server = PostgreSQL(durable=True) if kind == "postgresql" else SQLite(directory)
    chaos = Chaos(zygote, server, directory, f"{seed}/{kind}")
    started = time.monotonic()
    try:
        for number in range(1, rounds + 1):
            done = chaos.round(number)
            say(f"{kind} {number}/{rounds}, {time.monotonic() - started:.0f} s: {done}")
        chaos.finish()
    except AssertionError as error:
        say(f"{error}\n{kind}: violated; repeat it with DATABASE={kind} SEED={seed}")
        return False
    finally:
        chaos.close()
        server.stop()
    say(f"{kind}: {rounds} rounds, {len(chaos.ledger.sent):,} events, nothing lost, nothing doubled")
    return True


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="on each database (25)")
    parser.add_argument("--database", choices=[*KINDS, "both"], default="both", help="which one (both)")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="repeats what was chosen at random")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
