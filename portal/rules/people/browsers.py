"""Names of browsers and systems, from the User-Agent header.

Reason for the order: nearly every browser also names others to be compatible (Edge names Chrome and Safari), so the
rarer name decides.
"""

from portal.rules.messages import Message, message

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Vivaldi/", "Vivaldi"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser_name(user_agent: str) -> Message | str:
    """Return a name such as "Firefox on Linux"; the header itself if it names no known browser."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    if browser is None:
        return user_agent.strip() or message("Unknown browser")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return message("{browser} on {system}", browser=browser, system=system) if system else browser
