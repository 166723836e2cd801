"""Reading new rows of a MoE Sovereign's database, and no others."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from portal.errors import InvalidInput
from portal.imports.sovereign import source as source_module
from portal.imports.sovereign.source import COMPARABLE, SourceUnavailable, UsageKey, UsageRange, open_source
from tests.databases import Server
from tools.import_proof.source import AT, Sovereign, insert, request


@pytest.fixture(scope="module")
def tables(postgresql: Server) -> Iterator[Sovereign]:
    made = Sovereign(postgresql.new_url())
    yield made
    made.close()


@pytest.fixture
def source(tables: Sovereign) -> Sovereign:
    """Alice and Bob with two requests each."""
    tables.empty()
    for name in ("bob", "alice"):
        tables.user(name)
        for number in (2, 1):
            tables.request(f"{name}-{number}", name, AT + timedelta(hours=number))
    return tables


def ids(source: Sovereign, wanted: UsageRange) -> list[str]:
    """Return the ids of the wanted rows in their order."""
    with open_source(source.url) as snapshot:
        found = [row["id"] for rows in snapshot.usage(wanted) for row in rows]
        assert snapshot.count_usage(wanted) == len(found)
    return found


def settled(source: Sovereign) -> int:
    with open_source(source.url) as snapshot:
        return snapshot.settled


def test_usage_is_read_person_by_person_by_time(source: Sovereign) -> None:
    assert ids(source, UsageRange()) == ["alice-1", "alice-2", "bob-1", "bob-2"]


def test_reading_goes_on_after_a_place(source: Sovereign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "BATCH", 1)
    place = UsageKey("u-alice", (AT + timedelta(hours=1)).isoformat(), "alice-1")
    assert ids(source, UsageRange(after=place)) == ["alice-2", "bob-1", "bob-2"]


def test_rows_written_since_a_snapshot_are_read_at_any_time(source: Sovereign) -> None:
    before = settled(source)
    assert ids(source, UsageRange(before)) == []
    source.request("old", "bob", AT - timedelta(days=99))
    source.execute("UPDATE usage_log SET notes = 'changed' WHERE id = 'alice-2'")
    assert ids(source, UsageRange(before)) == ["alice-2", "old"]


def test_what_was_being_written_at_a_look_is_read_after_it(source: Sovereign) -> None:
    with source.engine.begin() as slow:
        insert(slow, "usage_log", **request("slow"))
        before = settled(source)
        source.request("quick")
        assert ids(source, UsageRange(before)) == ["quick"]
    assert ids(source, UsageRange(before)) == ["quick", "slow"]


def test_a_look_sees_one_moment(source: Sovereign) -> None:
    with open_source(source.url) as snapshot:
        source.request("new")
        assert snapshot.count_usage(UsageRange()) == 4


def test_all_rows_are_read_if_transactions_cannot_be_compared(source: Sovereign) -> None:
    assert len(ids(source, UsageRange(settled(source) - COMPARABLE))) == 4
    assert len(ids(source, UsageRange(settled(source) + 10**6))) == 4


def test_nothing_can_be_changed(source: Sovereign) -> None:
    with open_source(source.url) as snapshot, pytest.raises(SourceUnavailable, match="read-only"):
        snapshot._all("DELETE FROM usage_log")
    assert len(ids(source, UsageRange())) == 4


def test_grants_come_in_the_order_in_which_they_count(source: Sovereign) -> None:
    for resource, kind in (("b", "expert_template"), ("a", "expert_template"), ("x", "model_endpoint")):
        source.add("permissions", id=resource, user_id="u-bob", resource_type=kind, resource_id=resource, granted_at="")
    with open_source(source.url) as snapshot:
        assert [row["resource_id"] for row in snapshot.grants()] == ["a", "b"]


def test_what_the_reader_may_not_read_is_missing(source: Sovereign, postgresql: Server) -> None:
    source.execute("CREATE ROLE clerk LOGIN PASSWORD 'hush'")
    source.execute("GRANT SELECT ON users, usage_log TO clerk; GRANT SELECT (user_id, id) ON api_keys TO clerk")
    theirs = source.engine.url.set(username="clerk", password="hush").render_as_string(hide_password=False)
    with open_source(theirs) as snapshot:
        assert snapshot.missing()[:4] == [
            "token_budgets",
            "permissions",
            "admin_expert_templates",
            "user_expert_templates",
        ]
        assert "api_keys.key_hash" in snapshot.missing()
        assert snapshot.rows("token_budgets") == []
        assert snapshot.count_usage(UsageRange()) == 4
    source.execute("REVOKE SELECT ON users FROM clerk")
    with pytest.raises(InvalidInput, match="users"), open_source(theirs):
        pass
    source.execute("DROP OWNED BY clerk; DROP ROLE clerk")


def test_a_password_that_the_server_repeats_is_left_out(source: Sovereign) -> None:
    wrong = source.engine.url.set(database="hush", password="hush").render_as_string(hide_password=False)
    with pytest.raises(SourceUnavailable) as raised, open_source(wrong):
        pass
    assert "hush" not in str(raised.value)
    assert 'database "…" does not exist' in str(raised.value)
