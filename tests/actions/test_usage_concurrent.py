"""The same usage, sent by many at once, from threads and from processes, is counted once."""

import multiprocessing
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from portal.actions.usage import Result, record_usage
from portal.actions.verification import verify_account
from portal.db.gateways import gateway_named
from portal.db.sql.session import Database
from portal.db.tables import Account, UsageCounter
from portal.rules.usage import UsageReport
from portal.settings import settings
from tests.cast import NOW, Gateway, new_gateway, report, results, run, send
from tests.databases import Server

HUNDRED = [report(f"r-{number}", prompt_tokens=number, completion_tokens=0) for number in range(100)]
TOKENS = sum(range(100))


def total(db: Database, account: Account) -> tuple[int, int]:
    """Return an account's tokens and requests as counted, after proving that every sum is the sum."""
    with db.reading() as session:
        assert list(verify_account(session, account.id, settings().budget_zone)) == []
        chosen = UsageCounter.account_id == account.id, UsageCounter.period == "total"
        row = session.execute(select(UsageCounter.tokens, UsageCounter.requests).where(*chosen)).one()
        return row[0], row[1]


def shuffled(seed: int, reports: Sequence[UsageReport]) -> list[UsageReport]:
    return random.Random(seed).sample(reports, len(reports))


def test_a_hundred_events_in_fifty_batches_at_once_count_once(alice: Account, gateway: Gateway, db: Database) -> None:
    with ThreadPoolExecutor(10) as threads:
        outcomes = list(threads.map(lambda seed: results(send(gateway, *shuffled(seed, HUNDRED))), range(50)))
    assert Counter(outcome for batch in outcomes for outcome in batch) == {Result.ACCEPTED: 100, Result.DUPLICATE: 4900}
    assert total(db, alice) == (TOKENS, 100)


def test_each_gateways_own_hundred_count(alice: Account, gateway: Gateway, db: Database) -> None:
    new_gateway("moe-2")
    other = run(gateway_named, "moe-2")
    assert other is not None
    senders = [gateway, Gateway(other.id, other.name, "")] * 10
    with ThreadPoolExecutor(10) as threads:
        list(threads.map(lambda n: send(senders[n], *shuffled(n, HUNDRED)), range(20)))
    assert total(db, alice) == (2 * TOKENS, 200)


def send_from_another_process(url: str, gateway_id: int, seed: int) -> list[Result]:
    """Send ten batches of 30 of the hundred; the process knows nothing but the address of the database."""
    database, chance, said = Database(url), random.Random(seed), []
    for _ in range(10):
        with database.transaction() as session:
            outcomes = record_usage(session, gateway_id, chance.sample(HUNDRED, 30), settings().budget_zone, NOW)
        said += results(outcomes)
    database.close()
    return said


def test_several_processes_count_it_once(alice: Account, gateway: Gateway, db: Database, databases: Server) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as processes:
        sent = [processes.submit(send_from_another_process, databases.url, gateway.id, seed) for seed in range(3)]
        outcomes = Counter(outcome for process in sent for outcome in process.result(60))
    assert outcomes == {Result.ACCEPTED: 100, Result.DUPLICATE: 800}
    assert total(db, alice) == (TOKENS, 100)


def test_an_id_is_taken_for_ever(alice: Account, gateway: Gateway, db: Database) -> None:
    later = NOW + timedelta(days=366)
    assert results(send(gateway, report("r-1"))) == [Result.ACCEPTED]
    assert results(send(gateway, report("r-1"), now=later)) == [Result.DUPLICATE]
    assert results(send(gateway, replace(report("r-1"), requested_at=later), now=later)) == [Result.CONFLICT]
    assert total(db, alice) == (120, 1)
