"""Formats and digests of keys and tokens."""

import pytest

from portal.rules.people.secrets import (
    API_KEY,
    GATEWAY_TOKEN,
    as_digest,
    digest,
    is_digest,
    is_secret,
    key_prefix,
    new_secret,
)


@pytest.mark.parametrize("kind", [API_KEY, GATEWAY_TOKEN])
def test_new_secret_has_its_format_and_is_unique(kind: str) -> None:
    made = {new_secret(kind) for _ in range(100)}
    assert len(made) == 100
    assert all(is_secret(secret, kind) and len(secret) == len(kind) + 48 for secret in made)


HEX = "0123456789abcdef" * 3


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param(API_KEY, id="the prefix alone"),
        pytest.param(GATEWAY_TOKEN + HEX, id="a secret of another kind"),
        pytest.param(API_KEY + HEX[:-1], id="too short"),
        pytest.param(API_KEY + HEX + "0", id="too long"),
        pytest.param(API_KEY + HEX + "\n", id="with a line break"),
        pytest.param(API_KEY + HEX.upper(), id="in capitals"),
        pytest.param(" " + API_KEY + HEX, id="with a space before"),
        pytest.param(API_KEY + "g" + HEX[1:], id="not hex"),
        pytest.param(API_KEY + "٣" * 48, id="digits of another script"),
        pytest.param(API_KEY + "\ud800" * 48, id="lone surrogates"),
    ],
)
def test_other_text_is_not_a_key(text: str) -> None:
    assert not is_secret(text, API_KEY)


@pytest.mark.parametrize("text", ["a" * 64, "A" * 64, digest("x")])
def test_digest_is_recognised_by_its_format(text: str) -> None:
    assert is_digest(text)


@pytest.mark.parametrize("text", ["", "a" * 63, "a" * 65, "g" * 64, "a" * 64 + "\n", "٣" * 64])
def test_other_text_is_not_a_digest(text: str) -> None:
    assert not is_digest(text)


def test_key_is_recognised_by_its_format() -> None:
    assert is_secret(API_KEY + HEX, API_KEY)
    assert is_secret(GATEWAY_TOKEN + HEX, GATEWAY_TOKEN)


def test_digest_is_sha_256_in_lower_case_hex() -> None:
    assert digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert digest("ä") == "33e6d73fee82904c8d7afb78de1154d1e8dc2a0edb08120e63df5b9385c2d9cc"
    assert digest("\ud800") != digest("?")


def test_key_prefix_has_sixteen_characters() -> None:
    assert key_prefix(API_KEY + HEX) == "moe-sk-012345678"
    assert len(key_prefix(new_secret(API_KEY))) == 16


def test_digest_is_not_digested_again() -> None:
    done = digest("moe-sk-1")
    assert as_digest("moe-sk-1") == as_digest(done) == as_digest(done.upper()) == done
