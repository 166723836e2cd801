"""People of MoE Sovereign, mapped to what the portal stores."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from portal.imports.sovereign.people import NO_LABEL, MappedPeople, People, map_people
from portal.rules.metering.imports import ImportedKey, ImportedPerson, ImportKind, ImportOutcome, ModelOfCategory
from portal.rules.people.secrets import digest
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits

HASH = "$2b$12$" + "a" * 53
USER: dict[str, Any] = {
    "id": "u-1", "username": "alice", "email": "alice@example.org", "display_name": "", "hashed_password": HASH,
    "is_active": True, "is_admin": False, "role": "user", "language": "de_DE", "timezone_offset_hours": 0.0,
    "created_at": "2026-01-01T00:00:00",
}  # fmt: skip
KEY: dict[str, Any] = {
    "id": "k-1", "user_id": "u-1", "key_hash": digest("key"), "key_prefix": "moe-sk-012345678", "label": "Laptop",
    "is_active": True, "created_at": "2026-01-02T00:00:00.5+00:00", "expires_at": None,
}  # fmt: skip
BUDGET: dict[str, Any] = {
    "user_id": "u-1", "daily_limit": None, "monthly_limit": 5, "total_limit": None, "budget_type": "subscription",
}  # fmt: skip
EXPERTS = {"code": {"models": [{"model": "phi4:14b", "endpoint": "gpu-1"}]}}
SHARED: dict[str, Any] = {
    "id": "tmpl-1", "name": "Research", "config_json": json.dumps({"experts": EXPERTS}), "created_at": "2026",
}  # fmt: skip
OWN = SHARED | {"id": "user:1", "user_id": "u-1", "name": "Mine", "cost_factor": 1.5, "is_active": True}


def only(found: MappedPeople) -> ImportedPerson:
    [person] = found.people.values()
    return person


def outcomes(found: MappedPeople) -> list[tuple[ImportKind, ImportOutcome]]:
    return [(finding.kind, finding.outcome) for finding in found.findings]


def grant(resource: str) -> dict[str, str]:
    return {"user_id": "u-1", "resource_type": "expert_template", "resource_id": resource}


@pytest.mark.parametrize(
    ("change", "expected", "remarks"),
    [
        pytest.param({"username": " Alice "}, {"username": "alice"}, 0, id="names are lower case"),
        pytest.param({"display_name": "Alice A."}, {"display_name": "Alice A."}, 0, id="a display name"),
        pytest.param({}, {"display_name": "alice"}, 0, id="without one it is the user name"),
        pytest.param({"email": "nowhere"}, {"email": ""}, 1, id="a bad address"),
        pytest.param({"email": None}, {"email": ""}, 1, id="no address"),
        pytest.param({"role": "expert"}, {"role": "expert"}, 0, id="experts"),
        pytest.param({"is_admin": True}, {"role": "admin"}, 0, id="administrators by their mark"),
        pytest.param({"role": "admin"}, {"role": "admin"}, 0, id="administrators by their role"),
        pytest.param({"role": "emperor"}, {"role": "user"}, 1, id="an unknown role"),
        pytest.param({"is_active": False}, {"active": False}, 0, id="suspended"),
        pytest.param({"is_active": None}, {"active": True}, 0, id="without that column"),
        pytest.param({"hashed_password": HASH}, {"password_hash": HASH}, 0, id="bcrypt"),
        pytest.param({"hashed_password": "sha1$x"}, {"password_hash": None}, 1, id="another hash"),
        pytest.param({"timezone_offset_hours": 2.0}, {"time_zone": "Etc/GMT-2"}, 0, id="east of Greenwich"),
        pytest.param({"timezone_offset_hours": -12.0}, {"time_zone": "Etc/GMT+12"}, 0, id="far west"),
        pytest.param({"timezone_offset_hours": 14.0}, {"time_zone": "Etc/GMT-14"}, 0, id="far east"),
        pytest.param({"timezone_offset_hours": 5.5}, {"time_zone": None}, 1, id="half an hour"),
        pytest.param({"timezone_offset_hours": 15.0}, {"time_zone": None}, 1, id="nowhere on earth"),
        pytest.param({"timezone_offset_hours": float("nan")}, {"time_zone": None}, 1, id="no number"),
        pytest.param({"timezone_offset_hours": 0.0}, {"time_zone": None}, 0, id="nobody chose"),
        pytest.param({"language": "en_EN"}, {"language": "en"}, 0, id="English"),
        pytest.param({"language": "fr_FR"}, {"language": "en"}, 1, id="a language that is not spoken here"),
        pytest.param({"language": None}, {"language": "en"}, 0, id="no language"),
    ],
)
def test_a_user(change: dict[str, Any], expected: dict[str, Any], remarks: int) -> None:
    found = map_people(People([USER | change]))
    person = only(found)
    assert {name: getattr(person, name) for name in expected} == expected
    assert outcomes(found) == [(ImportKind.ACCOUNT, ImportOutcome.REMARK)] * remarks


@pytest.mark.parametrize("username", ["Jörg", "a b", "-", "x" * 65, "a\nb", ""])
def test_person_with_an_impossible_name_is_omitted_with_keys(username: str) -> None:
    found = map_people(People([USER | {"username": username}], keys=[KEY], budgets=[BUDGET]))
    assert found.people == {}
    assert outcomes(found) == [(ImportKind.ACCOUNT, ImportOutcome.OMITTED), (ImportKind.KEY, ImportOutcome.OMITTED)]


def test_older_of_two_names_that_differ_by_case_is_imported() -> None:
    older = USER | {"id": "u-2", "username": "ALICE", "created_at": "2025-12-31T23:59:59"}
    for users in ([USER, older], [older, USER]):
        found = map_people(People(users))
        assert list(found.people) == ["u-2"]
        assert outcomes(found) == [(ImportKind.ACCOUNT, ImportOutcome.OMITTED)]


def test_keys_come_to_their_owner() -> None:
    other = USER | {"id": "u-2", "username": "bob"}
    locked = KEY | {"id": "k-2", "user_id": "u-2", "key_hash": digest("2").upper(), "label": "", "is_active": False}
    found = map_people(People([USER, other], keys=[KEY, locked]))
    created = datetime(2026, 1, 2, 0, 0, 0, 500000, UTC)
    assert found.people["u-1"].keys == (ImportedKey(digest("key"), "moe-sk-012345678", "Laptop", True, created, None),)
    [theirs] = found.people["u-2"].keys
    assert (theirs.key_hash, theirs.label, theirs.active) == (digest("2"), NO_LABEL, False)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"key_hash": "moe-sk-plain"}, id="no hash"),
        pytest.param({"key_hash": None}, id="none at all"),
        pytest.param({"expires_at": "soon"}, id="an end that cannot be read must not become none"),
    ],
)
def test_invalid_key_is_omitted(change: dict[str, Any]) -> None:
    found = map_people(People([USER], keys=[KEY | change]))
    assert only(found).keys == ()
    assert outcomes(found) == [(ImportKind.KEY, ImportOutcome.OMITTED)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({}, Limits(monthly=5), id="one limit"),
        pytest.param({"daily_limit": 0}, Limits(monthly=5), id="0 is none, as it is there"),
        pytest.param({"monthly_limit": None}, None, id="none at all"),
        pytest.param({"budget_type": "one_time"}, Limits(monthly=5, type=BudgetType.ONE_TIME), id="one-time"),
        pytest.param({"total_limit": MAX_LIMIT}, Limits(monthly=5, total=MAX_LIMIT), id="the largest"),
    ],
)
def test_limits(change: dict[str, Any], expected: Limits | None) -> None:
    found = map_people(People([USER], budgets=[BUDGET | change]))
    assert only(found).limits == expected
    assert found.findings == []


@pytest.mark.parametrize("change", [{"daily_limit": -1}, {"total_limit": MAX_LIMIT + 1}, {"budget_type": "tithe"}])
def test_limits_that_there_are_not_here(change: dict[str, Any]) -> None:
    found = map_people(People([USER], budgets=[BUDGET | change]))
    assert only(found).limits is None
    assert outcomes(found) == [(ImportKind.BUDGET, ImportOutcome.OMITTED)]


def test_a_template_has_its_models_by_category() -> None:
    experts = {
        "code": {
            "system_prompt": "Write code.",
            "models": [
                {"model": "a", "endpoint": "gpu-1", "required": True},
                {"model": "b", "required": False},
                {"model": "c", "role": "always"},
                {"model": "d", "role": "fallback", "required": True},
                {"model": ""},
            ],
        },
        "law": {"model": "e", "endpoint": "gpu-2"},
    }
    row = OWN | {"config_json": json.dumps({"experts": experts})}
    template = map_people(People([], user_templates=[row])).templates["user:1"]
    assert (template.name, template.cost_factor) == ("Mine", Decimal("1.5"))
    assert template.models == (
        ModelOfCategory("code", "a", "gpu-1", True),
        ModelOfCategory("code", "b", "", False),
        ModelOfCategory("code", "c", "", True),
        ModelOfCategory("code", "d", "", False),
        ModelOfCategory("law", "e", "gpu-2", True),
    )


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(SHARED | {"config_json": "{"}, id="no JSON"),
        pytest.param(SHARED | {"config_json": "[]"}, id="no object"),
        pytest.param(SHARED | {"config_json": "{}"}, id="no experts"),
        pytest.param(SHARED | {"config_json": '{"experts": {"a": 1}}'}, id="a number as category"),
        pytest.param(SHARED | {"config_json": '{"experts": {}, "cost_factor": "dear"}'}, id="a word as factor"),
        pytest.param(SHARED | {"config_json": '{"experts": {}, "cost_factor": 1e99}'}, id="a huge factor"),
        pytest.param(SHARED | {"id": "moe-dyn-1"}, id="made for one request"),
        pytest.param(SHARED | {"name": "x" * 65}, id="too long a name"),
        pytest.param(OWN | {"is_active": False}, id="switched off"),
    ],
)
def test_invalid_template_is_omitted(row: dict[str, Any]) -> None:
    found = map_people(People([], admin_templates=[row]))
    assert found.templates == {}
    assert outcomes(found) == [(ImportKind.TEMPLATE, ImportOutcome.OMITTED)]


def test_shared_template_is_imported_before_an_own_one() -> None:
    found = map_people(People([], admin_templates=[SHARED], user_templates=[OWN | {"name": "Research"}]))
    assert list(found.templates) == ["tmpl-1"]
    assert outcomes(found) == [(ImportKind.TEMPLATE, ImportOutcome.OMITTED)]


@pytest.mark.parametrize(
    ("granted", "expected", "left"),
    [
        pytest.param([], None, 0, id="nothing"),
        pytest.param(["tmpl-1"], "Research", 0, id="by its id"),
        pytest.param(["Research"], "Research", 0, id="by its name"),
        pytest.param(["user:1"], "Mine", 0, id="one's own"),
        pytest.param(["tmpl-1", "user:1"], "Research", 1, id="the first of several"),
        pytest.param(["ghost", "user:1"], "Mine", 1, id="one that is gone is passed over"),
        pytest.param(["user:2"], None, 1, id="somebody else's own"),
    ],
)
def test_the_active_template_is_the_first_that_was_granted(granted: list[str], expected: str | None, left: int) -> None:
    theirs = OWN | {"id": "user:2", "user_id": "u-2", "name": "Theirs"}
    grants = [grant(resource) for resource in granted]
    found = map_people(People([USER], grants=grants, admin_templates=[SHARED], user_templates=[OWN, theirs]))
    assert only(found).template == expected
    assert outcomes(found) == [(ImportKind.ASSIGNMENT, ImportOutcome.OMITTED)] * left


def test_omitted_template_is_not_assigned() -> None:
    found = map_people(People([USER], grants=[grant("tmpl-1")], admin_templates=[SHARED | {"config_json": ""}]))
    assert only(found).template is None
    assert outcomes(found) == [
        (ImportKind.TEMPLATE, ImportOutcome.OMITTED),
        (ImportKind.ASSIGNMENT, ImportOutcome.OMITTED),
    ]
