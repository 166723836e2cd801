"""The live requests: seeded, of people who are here, and taken by the portal as they are."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from portal.demo.people import OWNER, PEOPLE
from portal.demo.requests import Traffic, as_event, key_hash
from portal.gateways.native import read_events
from portal.rules.metering.usage import UsageReport

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)
KEYS = {key_hash(key, 3, person.username): (person, key) for person in PEOPLE for key in person.keys}


def requests(seed: int, count: int, started: datetime = NOW) -> list[UsageReport]:
    traffic = Traffic(seed, started)
    return [traffic.request(NOW + timedelta(seconds=n)) for n in range(count)]


@pytest.fixture(scope="module")
def some() -> list[UsageReport]:
    return requests(3, 600)


def test_the_same_seed_makes_the_same_requests(some: list[UsageReport]) -> None:
    assert requests(3, 600) == some
    assert requests(4, 600) != some


def test_a_later_run_repeats_the_content_but_no_id(some: list[UsageReport]) -> None:
    later = requests(3, 600, NOW + timedelta(seconds=1))
    assert {r.id for r in later}.isdisjoint(r.id for r in some)
    assert [without_names(r) for r in later] == [without_names(r) for r in some]


def without_names(request: UsageReport) -> UsageReport:
    return replace(request, id="", session_id="")


def test_only_people_who_are_here_use_only_keys_that_work(some: list[UsageReport]) -> None:
    for r in some:
        person, key = KEYS[r.key_hash or ""]
        assert person.left is None
        assert key.revoked is None
        assert key.expires is None or key.expires >= 0


def test_the_demo_account_is_seen_to_move(some: list[UsageReport]) -> None:
    own = [n for n, r in enumerate(some) if KEYS[r.key_hash or ""][0].username == OWNER]
    assert 0.15 < len(own) / len(some) < 0.35
    assert max(b - a for a, b in pairwise(own)) < 30


def test_there_are_failures_among_them() -> None:
    assert any(r.status != "ok" for r in requests(3, 300))


def test_the_portal_reads_exactly_what_was_meant(some: list[UsageReport]) -> None:
    body = json.dumps([as_event(r) for r in some]).encode()
    assert read_events(body) == some


def test_pauses_are_a_few_seconds() -> None:
    traffic = Traffic(3, NOW)
    pauses = [traffic.pause() for _ in range(500)]
    assert min(pauses) >= 0.3
    assert max(pauses) <= 12
    assert 2 < sum(pauses) / len(pauses) < 4
