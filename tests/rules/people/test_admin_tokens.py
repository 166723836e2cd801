import pytest

from portal.rules.messages import InvalidValue
from portal.rules.people.admin_tokens import SCOPES, allows, clean_scopes


def test_scopes_are_ordered_and_without_duplicates() -> None:
    assert clean_scopes(["teams:write", " accounts:read ", "teams:write"]) == ("accounts:read", "teams:write")
    assert clean_scopes(SCOPES) == SCOPES


@pytest.mark.parametrize("scopes", [[], [""], ["accounts"], ["accounts:admin"], ["Accounts:read"], ["*"]])
def test_unknown_scopes_are_refused(scopes: list[str]) -> None:
    with pytest.raises(InvalidValue):
        clean_scopes(scopes)


@pytest.mark.parametrize(
    ("scopes", "wanted", "is_allowed"),
    [
        pytest.param(["accounts:read"], "accounts:read", True, id="the scope itself"),
        pytest.param(["accounts:write"], "accounts:read", True, id="write includes read"),
        pytest.param(["accounts:read"], "accounts:write", False, id="read does not include write"),
        pytest.param(["teams:write"], "accounts:read", False, id="another noun"),
        pytest.param([], "accounts:read", False, id="none"),
    ],
)
def test_scopes_allow(scopes: list[str], wanted: str, is_allowed: bool) -> None:
    assert allows(scopes, wanted) is is_allowed
