"""Names of browsers and systems from the User-Agent header."""

import pytest

from portal.rules.people.browsers import browser_name

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        pytest.param(
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux", id="Firefox"
        ),
        pytest.param(f"{WINDOWS} {WEBKIT} Chrome/142.0.0.0 Safari/537.36", "Chrome on Windows", id="Chrome"),
        pytest.param(
            f"{WINDOWS} {WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0", "Edge on Windows", id="Edge says Chrome"
        ),
        pytest.param(
            f"{ANDROID} {WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36 EdgA/142.0.0.0",
            "Edge on Android",
            id="Edge on a phone",
        ),
        pytest.param(f"{LINUX} {WEBKIT} Chrome/142.0.0.0 Safari/537.36 OPR/120.0.0.0", "Opera on Linux", id="Opera"),
        pytest.param(
            f"{MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
            "Safari on macOS",
            id="Safari",
        ),
        pytest.param(f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "Safari on iPhone", id="Safari on a phone"),
        pytest.param(f"{IPHONE} CriOS/142.0 Mobile/15E148 Safari/604.1", "Chrome on iPhone", id="Chrome on a phone"),
        pytest.param(
            f"{IPHONE} FxiOS/140.0 Mobile/15E148 Safari/605.1.15", "Firefox on iPhone", id="Firefox on a phone"
        ),
        pytest.param(
            f"{ANDROID} {WEBKIT} SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
            "Samsung Internet on Android",
            id="Samsung",
        ),
        pytest.param("Firefox/140.0", "Firefox", id="no system"),
        pytest.param("curl/8.9.1", "curl/8.9.1", id="a program is shown as it calls itself"),
        pytest.param("  ", "Unknown browser", id="blank"),
        pytest.param("", "Unknown browser", id="nothing"),
    ],
)
def test_browser_name(user_agent: str, name: str) -> None:
    assert str(browser_name(user_agent)) == name
