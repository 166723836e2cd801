"""Tests of the event queue: events arrive in order and none is lost, whatever the portal answers."""

import logging
from collections.abc import Sequence
from itertools import pairwise
from random import Random

import httpx
import pytest

from portal.demo import gateway as simulated
from portal.demo.gateway import FLUSH_SECONDS, LONGEST_WAIT, Event, EventQueue

UP = 200


class Portal:
    """Gives the prepared answers, one for each batch, and then 200; remembers what it stored, in order."""

    def __init__(self, *answers: int | type[httpx.TransportError], retry_after: str | None = None) -> None:
        self.answers = list(answers)
        self.retry_after = retry_after
        self.stored: list[str] = []
        self.batches: list[list[str]] = []

    def post(self, batch: Sequence[Event]) -> httpx.Response:
        ids = [event["id"] for event in batch]
        self.batches.append(ids)
        answer = self.answers.pop(0) if self.answers else UP
        if not isinstance(answer, int):
            if answer is httpx.ReadTimeout:  # stored, but its answer got lost
                self._store(ids)
            raise answer("as prepared")
        if answer != UP:
            return httpx.Response(answer, headers={"Retry-After": self.retry_after} if self.retry_after else {})
        return httpx.Response(UP, json={"results": [{"id": id, "result": result} for id, result in self._store(ids)]})

    def _store(self, ids: list[str]) -> list[tuple[str, str]]:
        results = [(id, "duplicate" if id in self.stored else "accepted") for id in ids]
        self.stored += [id for id, result in results if result == "accepted"]
        return results


def to(portal: Portal, *, lost_answers: float = 0, monkeypatch: pytest.MonkeyPatch) -> EventQueue:
    monkeypatch.setattr(simulated, "LOST_ANSWERS", lost_answers)
    return EventQueue(portal.post, Random(1))


def add(queue: EventQueue, *ids: str) -> None:
    for id in ids:
        queue.add({"id": id})


def test_what_waits_is_sent_together_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    queue = to(portal, monkeypatch=monkeypatch)
    add(queue, "a", "b", "c")
    assert queue.attempt() == FLUSH_SECONDS
    assert portal.batches == [["a", "b", "c"]]
    assert queue.waiting == 0


def test_nothing_is_sent_when_nothing_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    assert to(portal, monkeypatch=monkeypatch).attempt() == FLUSH_SECONDS
    assert portal.batches == []


def test_trouble_loses_nothing_and_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(503, httpx.ConnectError, 500, httpx.ReadTimeout, 429, 401)
    queue = to(portal, monkeypatch=monkeypatch)
    sent = []
    for number in range(12):
        add(queue, f"r{number}")
        sent.append(f"r{number}")
        queue.attempt()
    assert portal.stored == sent
    assert queue.waiting == 0


def test_a_batch_is_repeated_unchanged_until_it_has_arrived(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal(503, 503)
    queue = to(portal, monkeypatch=monkeypatch)
    add(queue, "a", "b")
    for id in ("c", "d", "e"):
        queue.attempt()
        add(queue, id)
    queue.attempt()
    assert portal.batches == [["a", "b"]] * 3 + [["c", "d", "e"]]


def test_waits_grow_and_end_with_the_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = to(Portal(*[503] * 12), monkeypatch=monkeypatch)
    add(queue, "a")
    waits = [queue.attempt() for _ in range(13)]
    assert 0.35 <= waits[0] <= 0.5
    assert all(later > earlier for earlier, later in pairwise(waits[:6]))
    assert 0.7 * LONGEST_WAIT <= waits[11] <= LONGEST_WAIT
    assert waits[12] == FLUSH_SECONDS


@pytest.mark.parametrize(("asked", "least"), [("5", 5), ("86400", LONGEST_WAIT), ("soon", 0.3), ("-1", 0.3)])
def test_the_portal_may_ask_for_a_longer_wait(asked: str, least: float, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = to(Portal(503, retry_after=asked), monkeypatch=monkeypatch)
    add(queue, "a")
    assert least <= queue.attempt() <= LONGEST_WAIT


def test_now_and_then_a_batch_that_arrived_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    queue = to(portal, lost_answers=1, monkeypatch=monkeypatch)
    add(queue, "a")
    queue.attempt()
    add(queue, "b")
    monkeypatch.setattr(simulated, "LOST_ANSWERS", 0)
    queue.attempt()
    queue.attempt()
    assert portal.batches == [["a"], ["a"], ["b"]]
    assert portal.stored == ["a", "b"]


def test_a_batch_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    portal = Portal()
    queue = to(portal, monkeypatch=monkeypatch)
    add(queue, *(str(n) for n in range(1100)))
    for _ in range(3):
        queue.attempt()
    assert [len(batch) for batch in portal.batches] == [500, 500, 100]
    assert portal.stored == [str(n) for n in range(1100)]


def test_long_failure_and_its_end_are_logged_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    queue = to(Portal(*[503] * 6), monkeypatch=monkeypatch)
    add(queue, "a", "b")
    with caplog.at_level(logging.WARNING):
        for _ in range(7):
            queue.attempt()
    assert [r.getMessage() for r in caplog.records] == [
        "The portal takes no usage (status 503); keeping it and trying again.",
        "The portal takes usage again; 2 requests were kept meanwhile.",
    ]
