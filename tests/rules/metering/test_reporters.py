from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from portal.rules.metering.reporters import ONE_ACCOUNT, Person, Reporter, free_name, own_id
from portal.rules.metering.usage import LONGEST_ID, Rejected, UsageReport
from portal.rules.text import MAX_NAME
from tests.cast import NOW

REPORT = UsageReport("r-1", "qwen3", "native", 100, 20, username="bob", template="big", cost_factor=Decimal(0))
ALICE = Reporter(None, "native", person=Person(7, "a" * 64))


def test_report_of_a_gateway_is_accepted_unchanged() -> None:
    assert Reporter(1, "native").own(REPORT) is REPORT


def test_report_without_a_name_needs_a_gateway_with_an_owner() -> None:
    nobodys = replace(REPORT, username=None)
    assert Reporter(1, "native").own(nobodys) == Rejected("r-1", ONE_ACCOUNT)
    assert Reporter(1, "native", owner_id=7).own(nobodys) is nobodys
    assert ALICE.own(nobodys) == replace(nobodys, id="7/r-1", key_hash="a" * 64, template=None, cost_factor=None)


def test_owner_leaves_a_report_with_a_name_unchanged() -> None:
    assert Reporter(1, "native", owner_id=7).own(REPORT) is REPORT


@pytest.mark.parametrize(
    ("reporter", "expected"),
    [
        pytest.param(Reporter(1, "native"), False, id="a gateway of a server"),
        pytest.param(Reporter(1, "native", owner_id=7), True, id="a program on a desktop"),
        pytest.param(ALICE, True, id="a person with a key"),
    ],
)
def test_reporter_is_of_one_person(reporter: Reporter, expected: bool) -> None:
    assert reporter.is_of_one_person is expected


def test_report_of_a_person_has_no_owner_and_no_factor() -> None:
    assert ALICE.own(REPORT) == replace(
        REPORT, id="7/r-1", key_hash="a" * 64, username=None, template=None, cost_factor=None
    )


def test_report_of_a_person_has_no_fallback_names() -> None:
    assert ALICE.own(replace(REPORT, fallback_names=("bob",))).fallback_names is None  # type: ignore[union-attr]


def test_rejected_entry_stays_rejected() -> None:
    assert ALICE.own(Rejected("r-1", "No model.")) == Rejected("r-1", "No model.")


@pytest.mark.parametrize("long", ["x" * LONGEST_ID, "x" * (LONGEST_ID - 1)])
def test_long_ids_of_persons_are_short_and_distinct(long: str) -> None:
    ids = {own_id(7, long), own_id(8, long), own_id(7, long[:-1] + "y"), own_id(7, long)}
    assert len(ids) == 3
    assert max(map(len, ids)) <= LONGEST_ID


def test_ids_of_two_persons_are_never_equal() -> None:
    assert own_id(7, "7/r-1") != own_id(77, "r-1") != own_id(7, "r-1")


@pytest.mark.parametrize(
    ("reported_at", "is_news"),
    [
        pytest.param(None, True, id="never before"),
        pytest.param(NOW - timedelta(seconds=59), False, id="within the minute"),
        pytest.param(NOW - timedelta(seconds=60), True, id="a minute ago"),
    ],
)
def test_report_of_a_gateway_is_news_once_a_minute(reported_at: object, is_news: bool) -> None:
    assert Reporter(1, "native", reported_at).is_news(NOW) is is_news  # type: ignore[arg-type]  # a table of both


@pytest.mark.parametrize(
    ("taken", "free"),
    [
        pytest.param(set(), "litellm", id="nobody has it"),
        pytest.param({"litellm-2"}, "litellm", id="nobody has the plain one"),
        pytest.param({"litellm"}, "litellm-2", id="taken"),
        pytest.param({"litellm", "litellm-2", "litellm-4"}, "litellm-3", id="the first gap"),
    ],
)
def test_free_name_has_a_number_if_taken(taken: set[str], free: str) -> None:
    assert free_name("litellm", taken) == free


def test_free_name_is_at_most_as_long_as_allowed() -> None:
    longest = "x" * MAX_NAME
    assert free_name(longest, {longest}) == "x" * (MAX_NAME - 2) + "-2"
