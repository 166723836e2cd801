"""Checks of text from people and programs: its length, and characters that databases, terminals or pages cannot use."""

import re
import unicodedata

from portal.rules.messages import InvalidValue, Message, message

MAX_NAME = 64
MAX_LABEL = 100
MAX_NOTE = 4000
MAX_EMAIL = 254
MAX_PASSWORD = 256
MIN_PASSWORD = 10

_USERNAME = re.compile(r"[a-z0-9](?:[a-z0-9._@+-]{0,62}[a-z0-9])?")
_DELETED = re.compile(r"deleted-[0-9]+")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,187}[A-Za-z0-9])?")


class InvalidText(InvalidValue):
    """The text is not accepted."""


def clean_line(text: str, what: Message | str, longest: int, *, empty: bool = False) -> str:
    """Return one line of text, stripped, in composed form (NFC). Raises InvalidText with a sentence about `what`."""
    line = _clean(text, what)
    if any(unicodedata.category(c) == "Cc" or c in "\u2028\u2029" for c in line):
        raise InvalidText(message("{what} must be one line without control characters.", what=what))
    return _bounded(line.strip(), what, longest, empty=empty)


def clip_line(text: object, longest: int) -> str:
    """Return a text from a program as one line of at most `longest` characters; "" if it is not text.

    Nothing is refused, since a program cannot be asked to correct its text.
    """
    if not isinstance(text, str):
        return ""
    if text.isascii() and text.isprintable():  # true for most texts, and the code below is slow
        return " ".join(text[: 4 * longest].split())[:longest].strip()
    plain = (" " if unicodedata.category(c) in {"Cc", "Cs"} or c in "\u2028\u2029" else c for c in text[: 4 * longest])
    return unicodedata.normalize("NFC", " ".join("".join(plain).split()))[:longest].strip()


def clip_name(text: object, longest: int) -> str:
    """Return a name as `clip_line` does; a cut name ends in an ellipsis, so that it never equals another name."""
    line = clip_line(text, longest + 1)
    return line if len(line) <= longest else f"{line[: longest - 1].rstrip()}…"


def clean_note(text: str) -> str:
    """Return the text of a note, stripped; line breaks and tabs stay. Empty means no note. Raises InvalidText."""
    lines = _clean(text, message("The note")).replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in lines):
        raise InvalidText(message("The note must not contain control characters."))
    note = lines.strip()
    if len(note) > MAX_NOTE:
        raise InvalidText(
            message(
                "The note is longer than {longest} characters. Shorten it by {excess}.",
                longest=MAX_NOTE,
                excess=len(note) - MAX_NOTE,
            )
        )
    return note


def clean_lines(text: str, what: Message | str, longest: int, *, empty: bool = False) -> str:
    """Return text of several lines, stripped; line breaks and tabs stay. Raises InvalidText with a sentence."""
    lines = _clean(text, what).replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in lines):
        raise InvalidText(message("{what} must not contain control characters.", what=what))
    return _bounded(lines.strip(), what, longest, empty=empty)


def clean_username(text: str) -> str:
    """Return a user name in lower case: letters, digits and . _ @ + - inside, at most 64. Raises InvalidText."""
    name = clean_line(text, message("The user name"), MAX_NAME).lower()
    if not _USERNAME.fullmatch(name):
        raise InvalidText(
            message("A user name has letters a to z, digits and . _ @ + - between them, up to 64 characters.")
        )
    return name


def clean_new_username(text: str) -> str:
    """Return the user name of a new account. Raises InvalidText, also for a name that deleted accounts have."""
    name = clean_username(text)
    if _DELETED.fullmatch(name):
        raise InvalidText(
            message("User names such as deleted-7 are reserved for deleted accounts. Choose another one.")
        )
    return name


def deleted_username(account_id: int) -> str:
    """Return the user name that a deleted account gets; its usage is kept under it."""
    return f"deleted-{account_id}"


def clean_email(text: str) -> str:
    """Return an email address without spaces around it. Raises InvalidText if its form is wrong."""
    address = clean_line(text, message("The email address"), MAX_EMAIL)
    if not _EMAIL.fullmatch(address) or ".." in address:
        raise InvalidText(message("That does not look like an email address, such as name@example.org."))
    return address


def email_key(address: str) -> str | None:
    """Return the key that email addresses are compared by, without regard to case; None for an empty address."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", address.strip()).casefold()) or None


def counted(count: int, one: str, several: str = "") -> str:
    """Return a count with its noun: "1 account", "3,138 accounts"; `several` is the plural if it is not `one` + s."""
    return f"{count:,} {one if count == 1 else several or f'{one}s'}"


def check_password(password: str, username: str) -> None:
    """Raise InvalidText for a password that is too short, too long or the user name.

    Source: NIST SP 800-63B, 5.1.1.2.
    """
    _clean(password, message("The password"))
    if len(password) < MIN_PASSWORD:
        raise InvalidText(
            message("Use at least {shortest} characters. Several words are easy to remember.", shortest=MIN_PASSWORD)
        )
    if len(password) > MAX_PASSWORD:
        raise InvalidText(message("A password has at most {longest} characters.", longest=MAX_PASSWORD))
    if password.casefold() == username.casefold() or len(set(password)) < 4:
        raise InvalidText(message("That password is too easy to guess."))


def _clean(text: str, what: Message | str) -> str:
    if "\x00" in text:
        raise InvalidText(message("{what} must not contain the NUL character.", what=what))
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidText(message("{what} contains half a character (a lone surrogate).", what=what))
    return unicodedata.normalize("NFC", text)


def _bounded(text: str, what: Message | str, longest: int, *, empty: bool) -> str:
    if not text and not empty:
        raise InvalidText(message("{what} must not be empty.", what=what))
    if len(text) > longest:
        raise InvalidText(message("{what} is longer than {longest} characters.", what=what, longest=longest))
    return text
