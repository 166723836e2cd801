"""Reading accounts from a table in a text file: its encoding, its separator, its columns, and its mistakes.

Decision: nothing is guessed that changes a number or a person. A limit with a comma or a point in it is refused, since
"1.000" is one in some countries and a thousand in others; so is a column with an unknown name.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from portal.rules.messages import InvalidValue, Message, message
from portal.rules.people.accounts import Role
from portal.rules.people.teams import team_key
from portal.rules.spending.budgets import MAX_LIMIT, Limits
from portal.rules.text import MAX_LABEL, MAX_NAME, clean_email, clean_line, clean_new_username, email_key

MOST_ROWS = 5000
LARGEST_FILE = 5_000_000
"""Bytes of a file."""


class Field(StrEnum):
    """The columns of a file, with their English names."""

    USERNAME = "username"
    NAME = "name"
    EMAIL = "email"
    ROLE = "role"
    TEAM = "team"
    COST_CENTRE = "cost_centre"
    DAILY = "daily"
    MONTHLY = "monthly"
    TOTAL = "total"
    TEMPLATE = "template"


_HEADERS = {
    "username": Field.USERNAME,
    "user": Field.USERNAME,
    "login": Field.USERNAME,
    "benutzername": Field.USERNAME,
    "benutzer": Field.USERNAME,
    "kennung": Field.USERNAME,
    "name": Field.NAME,
    "displayname": Field.NAME,
    "fullname": Field.NAME,
    "anzeigename": Field.NAME,
    "email": Field.EMAIL,
    "mail": Field.EMAIL,
    "emailaddress": Field.EMAIL,
    "emailadresse": Field.EMAIL,
    "role": Field.ROLE,
    "rolle": Field.ROLE,
    "team": Field.TEAM,
    "costcentre": Field.COST_CENTRE,
    "costcenter": Field.COST_CENTRE,
    "kostenstelle": Field.COST_CENTRE,
    "daily": Field.DAILY,
    "dailylimit": Field.DAILY,
    "täglich": Field.DAILY,
    "tageslimit": Field.DAILY,
    "monthly": Field.MONTHLY,
    "monthlylimit": Field.MONTHLY,
    "monatlich": Field.MONTHLY,
    "monatslimit": Field.MONTHLY,
    "total": Field.TOTAL,
    "totallimit": Field.TOTAL,
    "gesamt": Field.TOTAL,
    "gesamtlimit": Field.TOTAL,
    "template": Field.TEMPLATE,
    "vorlage": Field.TEMPLATE,
}
_ROLES = {
    "": Role.USER,
    "user": Role.USER,
    "benutzer": Role.USER,
    "nutzer": Role.USER,
    "expert": Role.EXPERT,
    "experte": Role.EXPERT,
    "admin": Role.ADMIN,
    "administrator": Role.ADMIN,
}
_NO_LIMIT = {"none", "unlimited", "keins", "keine", "unbegrenzt"}
_SEPARATORS = (",", ";", "\t")
_LIMITS = (Field.DAILY, Field.MONTHLY, Field.TOTAL)


@dataclass(frozen=True, slots=True)
class ImportRow:
    """A row of a file. `line` is its line in the file; `limits` is None for the default budget of the role.

    `problem` is why no account can be made of it; its other values are then as they were read.
    """

    line: int
    username: str
    name: str = ""
    email: str = ""
    role: str = Role.USER.value
    team: str = ""
    cost_centre: str = ""
    template: str = ""
    limits: Limits | None = None
    problem: Message | None = None

    def refused(self, problem: Message) -> "ImportRow":
        """Return the row with a problem."""
        return replace(self, problem=problem)


@dataclass(frozen=True, slots=True)
class ImportFile:
    """The rows of a file, with its encoding and its separator."""

    rows: tuple[ImportRow, ...]
    encoding: str
    separator: str


class UnreadableFile(InvalidValue):
    """No row of the file can be read."""


def read_account_file(content: bytes) -> ImportFile:
    """Return the rows of a file; those that are wrong have a problem. Raises UnreadableFile."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile(message("The file is larger than {most} bytes.", most=LARGEST_FILE))
    text, encoding = _decoded(content)
    lines = text.lstrip("\r\n \t")
    heading = lines.splitlines()[0] if lines else ""
    separator = max(_SEPARATORS, key=heading.count)
    records = _records(text, separator)
    fields = _fields(next(records, (0, []))[1])
    rows = [_row(line, cells, fields) for line, cells in records]
    if not rows:
        raise UnreadableFile(message("The file has no rows below its first line."))
    return ImportFile(tuple(_without_duplicates(rows)), encoding, separator)


def _decoded(content: bytes) -> tuple[str, str]:
    """Return the text and its encoding: UTF-8, UTF-16 after its mark, else that of spreadsheets on Windows."""
    names = ("utf-16",) if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else ("utf-8-sig", "cp1252")
    for name in names:
        try:
            text = content.decode(name)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text, {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}[name]
    raise UnreadableFile(message("This is not a text file. Save the table as CSV, in UTF-8."))


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows that are not empty, with their lines."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    count = 0
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            raise UnreadableFile(
                message("A quotation mark is wrong in line {line} or after it.", line=str(line))
            ) from None
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MOST_ROWS + 1:
                raise UnreadableFile(message("The file has more than {most} rows. Split it.", most=MOST_ROWS))
            yield line, cells


def _fields(headers: Sequence[str]) -> list[Field]:
    found: list[Field] = []
    for header in headers:
        plain = "".join(c for c in header.strip().casefold() if c not in " _-.")
        if plain not in _HEADERS:
            known = ", ".join(Field)
            raise UnreadableFile(
                message("There is no column {name}. The columns are {known}.", name=repr(header[:40]), known=known)
            )
        found.append(_HEADERS[plain])
    for field in (Field.USERNAME, Field.EMAIL):
        if field not in found:
            raise UnreadableFile(message("The first line has no column {name}.", name=field.value))
    if len(set(found)) < len(found):
        twice = next(field for field in found if found.count(field) > 1)
        raise UnreadableFile(message("The first line has the column {name} twice.", name=twice.value))
    return found


def _row(line: int, cells: Sequence[str], fields: Sequence[Field]) -> ImportRow:
    values = dict.fromkeys(Field, "") | dict(zip(fields, (cell.strip() for cell in cells), strict=False))
    raw = ImportRow(
        line,
        values[Field.USERNAME][:MAX_NAME],
        values[Field.NAME][:MAX_LABEL],
        values[Field.EMAIL][:MAX_LABEL],
        values[Field.ROLE][:MAX_NAME],
        values[Field.TEAM][:MAX_NAME],
        values[Field.COST_CENTRE][:MAX_NAME],
        values[Field.TEMPLATE][:MAX_NAME],
    )
    if len(cells) > len(fields):
        return raw.refused(message("The row has more cells than the first line."))
    try:
        username = clean_new_username(values[Field.USERNAME])
        return replace(
            raw,
            username=username,
            name=clean_line(values[Field.NAME] or username, message("The display name"), MAX_LABEL),
            email=clean_email(values[Field.EMAIL]),
            role=_role(values[Field.ROLE]).value,
            team=clean_line(values[Field.TEAM], message("The team"), MAX_NAME, empty=True),
            cost_centre=clean_line(values[Field.COST_CENTRE], message("The cost centre"), MAX_NAME, empty=True),
            template=clean_line(values[Field.TEMPLATE], message("The template"), MAX_NAME, empty=True),
            limits=_limits(values),
        )
    except InvalidValue as error:
        return raw.refused(error.sentence)


def _role(text: str) -> Role:
    role = _ROLES.get(text.casefold())
    if role is None:
        raise InvalidValue(message("There is no role {role}. The roles are {roles}.", role=text, roles=", ".join(Role)))
    return role


def _limits(values: dict[Field, str]) -> Limits | None:
    """Return the limits of a row; None if it has none, also not the word for no limit."""
    daily, monthly, total = (values[field] for field in _LIMITS)
    return Limits(_limit(daily), _limit(monthly), _limit(total)) if daily or monthly or total else None


def _limit(text: str) -> int | None:
    if not text or text.casefold() in _NO_LIMIT:
        return None
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_LIMIT)) or int(text) > MAX_LIMIT:
        raise InvalidValue(
            message(
                "{text} is not a limit. Write a whole number of tokens without separators, or none.", text=repr(text)
            )
        )
    return int(text)


def _without_duplicates(rows: Sequence[ImportRow]) -> Iterator[ImportRow]:
    """Refuse rows with the user name or the address of an earlier row."""
    names: dict[str, int] = {}
    addresses: dict[str, int] = {}
    for row in rows:
        if row.problem is not None:
            yield row
            continue
        key = email_key(row.email) or ""
        if row.username in names:
            line = str(names[row.username])
            yield row.refused(message("Line {line} has this user name already.", line=line))
        elif key in addresses:
            yield row.refused(message("Line {line} has this email address already.", line=str(addresses[key])))
        else:
            names[row.username] = addresses[key] = row.line
            yield row


@dataclass(frozen=True, slots=True)
class KnownTeam:
    """A team that rows may name."""

    id: int
    name: str
    cost_centre: str
    active: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What the portal has: user names, keys of addresses, ids of templates by name, and teams by their keys."""

    usernames: frozenset[str]
    email_keys: frozenset[str]
    templates: dict[str, int]
    teams: dict[str, KnownTeam]


def checked_rows(rows: Sequence[ImportRow], known: Known) -> tuple[ImportRow, ...]:
    """Return the rows, with a problem for those that do not fit to what the portal has."""
    return tuple(_checked(row, known) for row in rows)


def _checked(row: ImportRow, known: Known) -> ImportRow:
    problems: tuple[Callable[[ImportRow, Known], Message | None], ...] = (_taken, _wrong_team, _wrong_template)
    if row.problem is None:
        for find in problems:
            problem = find(row, known)
            if problem is not None:
                return row.refused(problem)
    return row


def _taken(row: ImportRow, known: Known) -> Message | None:
    if row.username in known.usernames:
        return message("There is an account called {name} already.", name=row.username)
    if email_key(row.email) in known.email_keys:
        return message("Another account has this email address already.")
    return None


def _wrong_team(row: ImportRow, known: Known) -> Message | None:
    if not row.team:
        return message("A cost centre needs a team.") if row.cost_centre else None
    found = known.teams.get(team_key(row.team))
    if found is None:
        return message("There is no team called {name}.", name=row.team)
    if not found.active:
        return message("The team {name} is suspended. Activate it first.", name=found.name)
    if row.cost_centre and row.cost_centre != found.cost_centre:
        centre = found.cost_centre or "–"
        return message("The team {name} has the cost centre {centre}.", name=found.name, centre=centre)
    return None


def _wrong_template(row: ImportRow, known: Known) -> Message | None:
    if row.template and row.template not in known.templates:
        return message("There is no expert template called {name}.", name=row.template)
    return None
