"""What the system knows about its user."""

import pytest

from portal.system import person


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        pytest.param({"LANG": "de_AT.UTF-8"}, "de", id="German of Austria"),
        pytest.param({"LANG": "fr_FR.UTF-8"}, "en", id="a language without a translation"),
        pytest.param({"LANG": "de_DE", "LC_ALL": "C"}, "en", id="the stronger variable counts"),
        pytest.param({"LANG": "C", "LANGUAGE": "de:en"}, "de", id="a list of wishes"),
        pytest.param({"LANG": ""}, "en", id="nothing"),
    ],
)
def test_language(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert person.language() == expected


@pytest.mark.parametrize(
    ("variable", "expected"),
    [("Europe/Berlin", "Europe/Berlin"), ("Etc/UTC", "UTC"), ("Nowhere/Land", "UTC"), ("CET-1CEST", "UTC")],
)
def test_time_zone(monkeypatch: pytest.MonkeyPatch, variable: str, expected: str) -> None:
    monkeypatch.setenv("TZ", variable)
    assert person.time_zone() == expected


def test_user_has_a_name() -> None:
    assert person.user_name().strip()
