"""Values that all lenient dialects read in the same way."""

import pytest

from portal.gateways.lenient_values import UnclearValue, account_names, read_instant, token_count
from portal.gateways.litellm import owner_names
from portal.rules.text import MAX_EMAIL, MAX_NAME

LONGEST_EMAIL = "a" * (MAX_EMAIL - 4) + "@b.c"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(" Alice ", ("alice",), id="in lower case, without spaces around it"),
        pytest.param("a" * MAX_NAME, ("a" * MAX_NAME,), id="the longest user name"),
        pytest.param("a" * (MAX_NAME + 1), (), id="longer than a user name"),
        pytest.param(LONGEST_EMAIL, (LONGEST_EMAIL,), id="the longest email address"),
        pytest.param(f"a{LONGEST_EMAIL}", (), id="longer than an email address"),
        pytest.param("a" * 4 * MAX_EMAIL + "@b.c", (), id="much longer than an email address"),
        pytest.param("", (), id="empty"),
        pytest.param(None, (), id="null"),
        pytest.param(7, (), id="a number"),
    ],
)
def test_account_name_is_left_out_if_too_long(value: object, expected: tuple[str, ...]) -> None:
    assert account_names([value]) == expected


def test_account_name_is_listed_once() -> None:
    assert account_names(["bob", "Bob", "alice"]) == ("bob", "alice")


def test_litellm_owner_has_the_bounds_of_all_names() -> None:
    metadata = {"user_api_key_user_id": "a" * (MAX_NAME + 1), "user_api_key_user_email": LONGEST_EMAIL}
    assert owner_names(metadata) == (LONGEST_EMAIL,)
    assert owner_names({"user_api_key_user_id": "a" * (MAX_NAME + 1)}) is None


@pytest.mark.parametrize("value", [True, float("nan"), float("inf"), 1e300, "2026-11-22", None, []])
def test_instant_that_cannot_be_read_is_unclear(value: object) -> None:
    with pytest.raises(UnclearValue, match="created is no instant"):
        read_instant(value, "created")


@pytest.mark.parametrize(("value", "expected"), [(7, 7), (7.0, 7), (0, 0)])
def test_token_count_is_a_whole_number(value: object, expected: int) -> None:
    assert token_count(value, "n") == expected


@pytest.mark.parametrize("value", [None, -1, 1.5, "7", True, 10**13])
def test_token_count_is_never_guessed(value: object) -> None:
    with pytest.raises(UnclearValue, match=r"^n "):
        token_count(value, "n")
