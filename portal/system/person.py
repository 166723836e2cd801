"""The user of the operating system: name, language, time zone."""

import ctypes
import getpass
import locale
import os
import platform
import subprocess
import sys

from babel.localtime import get_localzone

from portal.rules.people.accounts import Language
from portal.rules.periods import zone

_LANGUAGE_VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""The variables of POSIX systems, the first in this order that has a value counts."""
_GERMAN = 0x07
"""The primary language of German in Windows' language numbers."""


def user_name() -> str:
    """Return the full name of the user, else the name of the sign-in."""
    try:
        login = getpass.getuser()
    except (KeyError, OSError):  # a user without an entry in the list of users
        return "Local user"
    return _full_name(login) or login


def time_zone() -> str:
    """Return the IANA name of the time zone of the machine; UTC if its configuration is broken or has no name."""
    try:
        name = getattr(get_localzone(), "key", None) or "UTC"
        zone(name)
    except (LookupError, ValueError, OSError):
        return "UTC"
    return "UTC" if name == "Etc/UTC" else str(name)


def language() -> Language:
    """Return the language of the system, or English."""
    found = _windows_language() if sys.platform == "win32" else _posix_language() or _macos_language()
    return Language.GERMAN if found.lower().startswith("de") else Language.ENGLISH


def _full_name(login: str) -> str:
    try:
        import pwd  # noqa: PLC0415  # Windows does not have it
    except ImportError:
        return ""
    try:
        return pwd.getpwnam(login).pw_gecos.partition(",")[0].strip()
    except KeyError:
        return ""


def _posix_language() -> str:
    for name in _LANGUAGE_VARIABLES:
        if value := os.environ.get(name):
            return value
    return locale.getlocale()[0] or ""


def _macos_language() -> str:
    """Return the language that the person has chosen; programs that are not started in a terminal have no variables."""
    if platform.system() != "Darwin":
        return ""
    command = ["/usr/bin/defaults", "read", "-g", "AppleLocale"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603


def _windows_language() -> str:
    windll = getattr(ctypes, "windll", None)
    number = windll.kernel32.GetUserDefaultUILanguage() if windll else 0
    return "de" if number & 0x3FF == _GERMAN else "en"
