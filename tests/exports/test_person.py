"""The file about a person."""

import csv
import io
import json
import tracemalloc
from collections.abc import Callable
from zipfile import ZipFile

import pytest

from portal.actions.metering.notes import write_note
from portal.actions.people.export import allow_export
from portal.actions.people.keys import create_key
from portal.actions.people.password_resets import queue_links
from portal.actions.people.sessions import Browser, open_session_for
from portal.actions.spending.budgets import set_budget
from portal.db.metering.events import account_events
from portal.db.people.export import HELD, PARTS
from portal.db.sql.session import database
from portal.db.tables import Account
from portal.errors import Forbidden, NotFound
from portal.exports.person import person_archive
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import Limits
from tests.cast import NOW, OPERATOR, Gateway, acting, audit_log, report, run, send


def archive_of(account: Account, language: str = "en") -> ZipFile:
    with database().reading() as session:
        return ZipFile(io.BytesIO(b"".join(person_archive(session, account.id, language, NOW))))


def table(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(f"{name}.csv").decode("utf-8-sig"))))


@pytest.fixture
def person(alice: Account, bob: Account, gateway: Gateway, settings_env: Callable[..., None]) -> Account:
    """Alice with requests, a note, a key, a session, a budget and a mail; Bob has a request too."""
    settings_env(smtp_host="127.0.0.1", smtp_from="portal@example.org", base_url="https://portal.example.org")
    key = run(create_key, acting(alice), alice.id, "=laptop", None, NOW)
    run(set_budget, OPERATOR, alice.id, Limits(daily=1000), NOW)
    run(open_session_for, alice.id, Browser("Firefox", "198.51.100.7"), NOW)
    send(gateway, report("a", key_hash=digest(key.secret)), report("b"), report("bobs", username="bob"))
    send(gateway, report("a", username="alice", prompt_tokens=7))
    event = run(lambda session: next(account_events(session, alice.id)))
    run(write_note, acting(alice), event.id, "white rabbit 🐇", NOW)
    queue_links("alice@example.org", "198.51.100.7", NOW)
    return alice


def test_each_kind_of_data_is_there_twice_and_explained(person: Account) -> None:
    archive = archive_of(person)
    assert archive.testzip() is None
    names = [part.name for part in PARTS] + [HELD]
    files = {f"{name}.{kind}" for name in names for kind in ("csv", "json")}
    assert set(archive.namelist()) == files | {"README.txt"}
    readme = archive.read("README.txt").decode()
    assert [name for name in names if f"{name}: " not in readme] == []
    for name in names:
        assert len(table(archive, name)) == len(json.loads(archive.read(f"{name}.json"))), name


def test_the_file_holds_what_is_theirs_and_no_secret(person: Account) -> None:
    archive = archive_of(person)
    (own,) = json.loads(archive.read("account.json"))
    assert (own["username"], own["email"], own["created_at"]) == ("alice", "alice@example.org", "2026-11-22T14:05:00Z")
    assert [row["external_id"] for row in table(archive, "requests")] == ["a", "b"]
    assert json.loads(archive.read("notes.json"))[0]["text"] == "white rabbit 🐇"
    assert table(archive, "keys")[0]["label"] == "'=laptop"  # a spreadsheet must not evaluate it
    assert table(archive, "budget")[0]["daily"] == "1000"
    assert table(archive, "sessions")[0]["address"] == "198.51.100.7"
    assert table(archive, "mails")[0]["text"] == ""  # of a link that sets a password
    assert json.loads(archive.read(f"{HELD}.json"))[0]["report"]["username"] == "alice"
    everything = "\n".join(archive.read(name).decode() for name in archive.namelist())
    assert "bob" not in everything.lower()
    for secret in ("argon2", "token=", "token_hash", "key_hash"):
        assert secret not in everything


def test_the_readme_is_in_the_language_of_the_reader(person: Account) -> None:
    assert "Alles" in archive_of(person, "de").read("README.txt").decode()


def test_a_long_history_takes_little_memory(person: Account, gateway: Gateway) -> None:
    send(gateway, *(report(f"many-{number}") for number in range(4000)))
    with database().reading() as session:
        pieces = person_archive(session, person.id, "en", NOW)
        next(pieces)
        tracemalloc.start()
        sizes = [len(piece) for piece in pieces]
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert max(sizes) < 2**20
    assert peak < 12 * 2**20


def test_only_the_person_and_administrators_export(person: Account, bob: Account, admin: Account) -> None:
    with pytest.raises(Forbidden):
        run(allow_export, acting(bob), person.id, NOW)
    for actor in (acting(person), acting(admin), OPERATOR):
        assert run(allow_export, actor, person.id, NOW) == "alice"
    assert [entry[1] for entry in audit_log()[-3:]] == ["account.export"] * 3
    with pytest.raises(NotFound):
        run(allow_export, OPERATOR, 2**62, NOW)
