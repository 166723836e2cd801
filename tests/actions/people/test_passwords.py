"""Hashes of passwords: the real ones, so each test here takes a fifth of a second and more."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import bcrypt
import pytest
from argon2.exceptions import VerificationError

from portal.actions.people import passwords
from portal.actions.people.passwords import check_hash, hash_password
from tests.cast import PASSWORD, PASSWORD_HASH

OF_UNKNOWN = passwords._UNKNOWN  # the other tests replace it
LONG = "correct horse battery staple, and so on for more than seventy-two bytes of it 🍵"


def bcrypt_hash(password: str) -> str:
    """Return the hash another program has made of a password; such programs cut it at 72 bytes."""
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


def test_a_new_hash_is_argon2id_and_fits_its_password_alone() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.startswith("$argon2id$")
    assert first != second
    assert check_hash(PASSWORD, first) == (True, None)
    assert check_hash(PASSWORD + " ", first) == (False, None)
    assert check_hash(PASSWORD.upper(), first) == (False, None)


def test_the_hash_of_unknown_names_costs_as_much_as_a_new_one() -> None:
    assert check_hash(PASSWORD, OF_UNKNOWN) == (False, None)
    assert not passwords._hasher.check_needs_rehash(OF_UNKNOWN)


def test_the_cast_has_the_hash_of_its_password() -> None:
    assert check_hash(PASSWORD, PASSWORD_HASH) == (True, None)


@pytest.mark.parametrize("password", [PASSWORD, LONG], ids=["short", "longer than bcrypt looks"])
@pytest.mark.parametrize("kind", ["$2b$", "$2a$", "$2y$"])
def test_a_bcrypt_hash_is_renewed(password: str, kind: str) -> None:
    imported = kind + bcrypt_hash(password)[4:]
    fits, renewed = check_hash(password, imported)
    assert fits
    assert renewed is not None
    assert renewed.startswith("$argon2id$")
    assert check_hash(password, renewed) == (True, None)
    assert check_hash(password + "!", renewed) == (False, None)
    assert check_hash("another " + password, imported) == (False, None)


@pytest.mark.parametrize(
    "kept",
    [
        "$argon2id$v=19$m=8,t=1,p=1$TCmFUEopJSQkxLiXUioFQA$vAHlrO39Nwr2kAEqjIoOb4t+7P3EA62MbgKTpG55m3U",
        "$argon2i$v=19$m=8,t=1,p=1$oBSC8N7b25vT+r+3FmKMcQ$SWXHkcgAj0r+U6yH+1SDtx/zfuFDJXfA24AwD1X25IM",
        "$argon2d$v=19$m=8,t=1,p=1$T+n9H6MUQghBaI0RAkColQ$6bMTZpO4I4hK+Xs/7/93IL/plehuT/8kbLNMtz8Nkuc",
        "$argon2i$v=16$m=8,t=1,p=1$c29tZXNhbHQxMjM0NTY3OA$hCaIbBOGCw0dTpQSuRAk51Ca6tiDrjSly7WjcKW7mMY",
        "$2b$04$F2PMndt9GJYLcpF1jtIxx.o1uhFg7EtLvs5Gi3ayJ3D94rwyFDnnm",
        pytest.param("$2b$04$F2PMndt9GJYLcpF1jtIxxBo1uhFg7EtLvs5Gi3ayJ3D94rwyFDnnp", id="$2b$ with unused bits set"),
    ],
    ids=lambda kept: kept[: kept.index("$", 4) + 5],
)
def test_stored_hash_of_a_weaker_kind_is_renewed(kept: str) -> None:
    """The hashes were made by passlib, with which earlier releases of the portal hashed."""
    fits, renewed = check_hash(PASSWORD, kept)
    assert fits
    assert renewed is not None
    assert check_hash(PASSWORD, renewed) == (True, None)
    assert check_hash(PASSWORD + "!", kept) == (False, None)


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(None, id="no hash"),
        pytest.param("", id="an empty one"),
        pytest.param("!", id="a locked one"),
        pytest.param(PASSWORD, id="the password itself"),
        pytest.param("5f4dcc3b5aa765d61d8327deb882cf99", id="of another kind"),
        pytest.param("$2b$04$short", id="bcrypt cut off"),
        pytest.param(f"$2x${bcrypt_hash(PASSWORD)[4:]}", id="bcrypt of a faulty program"),
        pytest.param(PASSWORD_HASH[:-5], id="argon2 cut off"),
        pytest.param("$argon2id$", id="argon2 without anything"),
    ],
)
def test_nothing_fits_what_is_no_hash(kept: str | None) -> None:
    assert check_hash(PASSWORD, kept) == (False, None)


@pytest.mark.parametrize("password", ["", "a\x00b", "\ud800", "x" * 100_000], ids=["empty", "NUL", "half", "huge"])
@pytest.mark.parametrize("kept", [PASSWORD_HASH, bcrypt_hash(PASSWORD)], ids=["argon2", "bcrypt"])
def test_a_malformed_password_fits_nothing(password: str, kept: str) -> None:
    assert check_hash(password, kept) == (False, None)


def test_an_unknown_name_takes_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in work, not in time: without a hash another one of the same cost is checked."""
    checked: list[str] = []

    class Watched:
        def verify(self, kept: str, _: object) -> bool:
            checked.append(kept)
            raise VerificationError

    monkeypatch.setattr(passwords, "_hasher", Watched())
    assert check_hash(PASSWORD, None) == (False, None)
    (instead,) = checked
    assert instead.split("$")[1:4] == PASSWORD_HASH.split("$")[1:4]


def test_no_more_than_two_hashes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    lock, running, most = threading.Lock(), 0, 0

    class Slow:
        def verify(self, *_: Any) -> bool:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            threading.Event().wait(0.01)
            with lock:
                running -= 1
            raise VerificationError

    monkeypatch.setattr(passwords, "_hasher", Slow())
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: check_hash(PASSWORD, PASSWORD_HASH), range(8)))
    assert most == 2
