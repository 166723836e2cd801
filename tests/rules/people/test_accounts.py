"""The language that a browser prefers."""

import pytest

from portal.rules.people.accounts import Language, preferred_language


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        pytest.param("", Language.ENGLISH, id="nothing"),
        pytest.param("de", Language.GERMAN, id="German"),
        pytest.param("de-AT, en;q=0.9", Language.GERMAN, id="German of a country"),
        pytest.param("en-US,en;q=0.9,de;q=0.8", Language.ENGLISH, id="English before German"),
        pytest.param("en;q=0.5, de;q=0.8", Language.GERMAN, id="weights decide, not the order"),
        pytest.param("fr-FR, fr;q=0.9, de;q=0.4", Language.GERMAN, id="the first that is spoken here"),
        pytest.param("fr, *;q=0.5", Language.ENGLISH, id="no language of the portal"),
        pytest.param("de;q=0, en;q=0.1", Language.ENGLISH, id="German is refused"),
        pytest.param("DE", Language.GERMAN, id="capital letters"),
        pytest.param("de;q=x, en;q=0.1", Language.ENGLISH, id="a weight that is no number"),
        pytest.param(",;=;q=, ;;", Language.ENGLISH, id="nonsense"),
        pytest.param("x" * 5000 + ", de", Language.ENGLISH, id="far too long"),
    ],
)
def test_preferred_language_of_a_browser(accepted: str, language: Language) -> None:
    assert preferred_language(accepted) is language
