"""Map people of MoE Sovereign, with their keys, budgets and expert templates, to values of the portal."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from portal.imports.sovereign.source import SourceRow, as_utc
from portal.rules.instants import InvalidInstant
from portal.rules.metering.imports import (
    Finding,
    ImportedKey,
    ImportedPerson,
    ImportedTemplate,
    ImportKind,
    ImportOutcome,
    NotImportable,
)
from portal.rules.people.accounts import Language, Role
from portal.rules.people.secrets import PREFIX_LENGTH, is_digest
from portal.rules.sovereign_templates import read_sovereign_template
from portal.rules.spending.budgets import MAX_LIMIT, BudgetType, Limits
from portal.rules.text import MAX_LABEL, MAX_NAME, InvalidText, clean_email, clean_new_username, clip_line

NO_LABEL = "MoE Sovereign"
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", re.ASCII)


@dataclass(frozen=True, slots=True)
class People:
    """The rows of all tables about people.

    `grants` are the permissions of expert templates, in the order in which MoE Sovereign looks at them.
    """

    users: Sequence[SourceRow]
    keys: Sequence[SourceRow] = ()
    budgets: Sequence[SourceRow] = ()
    grants: Sequence[SourceRow] = ()
    admin_templates: Sequence[SourceRow] = ()
    user_templates: Sequence[SourceRow] = ()


@dataclass(slots=True)
class MappedPeople:
    """Templates and people to import, by their ids in the source, and findings about the others."""

    templates: dict[str, ImportedTemplate] = field(default_factory=dict)
    people: dict[str, ImportedPerson] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def omit(self, kind: ImportKind, reason: str, name: object) -> None:
        """Add a finding about something that is not imported."""
        self.findings.append(Finding(kind, ImportOutcome.OMITTED, reason, clip_line(name, MAX_NAME)))

    def remark(self, kind: ImportKind, reason: str, name: object) -> None:
        """Add a finding about something that is imported in part."""
        self.findings.append(Finding(kind, ImportOutcome.REMARK, reason, clip_line(name, MAX_NAME)))


def map_people(people: People) -> MappedPeople:
    """Return the templates and people to import; people in the order of their creation."""
    found = MappedPeople()
    _read_templates(found, people)
    keys, budgets = _grouped(people.keys), {row["user_id"]: row for row in people.budgets}
    grants, own = _grouped(people.grants), _grouped(people.user_templates)
    shared = {name: row["id"] for row in people.admin_templates for name in (row["name"], row["id"])}
    names: set[str] = set()
    for row in _oldest_first(people.users):
        try:
            person = _person(found, row, names)
        except (InvalidText, NotImportable) as error:
            found.omit(ImportKind.ACCOUNT, str(error), row["username"])
            for key in keys.get(row["id"], ()):
                found.omit(ImportKind.KEY, "Its owner is not imported.", key["key_prefix"])
            continue
        names.add(person.username)
        found.people[row["id"]] = replace(
            person,
            keys=tuple(_keys(found, keys.get(row["id"], ()))),
            limits=_limits(found, budgets.get(row["id"]), person.username),
            template=_active_template(
                found,
                [grant["resource_id"] for grant in grants.get(row["id"], ())],
                shared | {template["id"]: template["id"] for template in own.get(row["id"], ())},
                person.username,
            ),
        )
    return found


def _grouped(rows: Iterable[SourceRow]) -> dict[str, list[SourceRow]]:
    """Return rows by the id of their user, in order."""
    groups: dict[str, list[SourceRow]] = {}
    for row in rows:
        groups.setdefault(row["user_id"], []).append(row)
    return groups


def _person(found: MappedPeople, row: SourceRow, names: set[str]) -> ImportedPerson:
    """Return a person without keys, limits and template. Raises InvalidText and NotImportable."""
    username = clean_new_username(row["username"])
    if username in names:
        raise NotImportable("Another user there has the same name in other letters.")
    role = "admin" if row["is_admin"] else row["role"] or "user"
    if role not in set(Role):
        found.remark(ImportKind.ACCOUNT, "There is no such role here; they are users.", username)
        role = "user"
    return ImportedPerson(
        username=username,
        display_name=clip_line(row["display_name"], 100) or username,
        email=_email(found, row["email"], username),
        role=role,
        active=row["is_active"] is not False,
        password_hash=_password_hash(found, row["hashed_password"], username),
        time_zone=_time_zone(found, row["timezone_offset_hours"], username),
        language=_language(found, row["language"], username),
    )


def _email(found: MappedPeople, value: object, username: str) -> str:
    try:
        return clean_email(str(value or ""))
    except InvalidText:
        found.remark(ImportKind.ACCOUNT, "The email address does not look like one; they have none here.", username)
        return ""


def _password_hash(found: MappedPeople, value: object, username: str) -> str | None:
    if isinstance(value, str) and _BCRYPT.fullmatch(value):
        return value
    found.remark(
        ImportKind.ACCOUNT, "The password is not hashed with bcrypt; `portal user password` sets one.", username
    )
    return None


def _time_zone(found: MappedPeople, hours: object, username: str) -> str | None:
    """Return the zone that is always `hours` ahead of UTC; the names of these zones have the opposite sign."""
    if not isinstance(hours, (int, float)) or hours == 0:
        return None
    if not (float(hours).is_integer() and -12 <= hours <= 14):
        reason = "No time zone is always that many hours from UTC; they get their browser's."
        found.remark(ImportKind.ACCOUNT, reason, f"{username} with {hours:g}")
        return None
    return f"Etc/GMT{-int(hours):+d}"


def _language(found: MappedPeople, value: object, username: str) -> str:
    language = str(value or "en")[:2].lower()
    if language in set(Language):
        return language
    found.remark(ImportKind.ACCOUNT, "The portal does not speak their language; they get English.", username)
    return "en"


def _keys(found: MappedPeople, rows: Iterable[SourceRow]) -> Iterator[ImportedKey]:
    for row in rows:
        try:
            yield _key(row)
        except NotImportable as error:
            found.omit(ImportKind.KEY, str(error), row["key_prefix"])


def _key(row: SourceRow) -> ImportedKey:
    """Return a key. Raises NotImportable."""
    if not is_digest(str(row["key_hash"])):
        raise NotImportable("Its hash is no SHA-256.")
    try:
        expires_at = as_utc(row["expires_at"]) if row["expires_at"] else None
    except InvalidInstant:
        raise NotImportable("It cannot be read when it expires.") from None
    try:
        created_at = as_utc(row["created_at"])
    except InvalidInstant:
        created_at = None
    prefix, label = clip_line(row["key_prefix"], PREFIX_LENGTH), clip_line(row["label"], MAX_LABEL)
    return ImportedKey(
        str(row["key_hash"]).lower(), prefix, label or NO_LABEL, row["is_active"] is not False, created_at, expires_at
    )


def _limits(found: MappedPeople, row: SourceRow | None, username: str) -> Limits | None:
    """Return the limits that the source enforces; None without any."""
    if row is None:
        return None
    daily, monthly, total = (row[name] or None for name in ("daily_limit", "monthly_limit", "total_limit"))
    if any(limit is not None and not 0 < limit <= MAX_LIMIT for limit in (daily, monthly, total)):
        found.omit(ImportKind.BUDGET, f"A limit lies between 0 and {MAX_LIMIT:,} tokens.", username)
        return None
    try:
        kind = BudgetType(str(row["budget_type"] or "subscription").replace("-", "_"))
    except ValueError:
        found.omit(ImportKind.BUDGET, "There is no such type of budget here.", f"{username} with {row['budget_type']}")
        return None
    limits = Limits(daily, monthly, total, kind)
    return None if limits == Limits() else limits


def _read_templates(found: MappedPeople, people: People) -> None:
    """Read the templates: those of administrators first, so that they keep a name that other templates also have."""
    taken: set[str] = set()
    for row in (*_oldest_first(people.admin_templates), *_oldest_first(people.user_templates)):
        try:
            template = _read_template(row)
            if template.name in taken:
                raise NotImportable("Another template there has the same name.")
        except (InvalidText, NotImportable) as error:
            found.omit(ImportKind.TEMPLATE, str(error), row["name"])
        else:
            taken.add(template.name)
            found.templates[row["id"]] = template


def _oldest_first(rows: Iterable[SourceRow]) -> list[SourceRow]:
    """Return rows in the order of their creation."""
    return sorted(rows, key=lambda row: (str(row["created_at"] or ""), row["id"]))


def _read_template(row: SourceRow) -> ImportedTemplate:
    """Return a template of either table. Raises NotImportable and InvalidText."""
    if row["id"].startswith("moe-dyn-"):
        raise NotImportable("It was made by MoE Sovereign for a single request.")
    if row.get("is_active") is False:
        raise NotImportable("It is switched off.")
    try:
        config = json.loads(row["config_json"])
    except (ValueError, TypeError, RecursionError):
        raise NotImportable("Its configuration cannot be read.") from None
    return read_sovereign_template(row["name"], config, row.get("cost_factor"))


def _active_template(
    found: MappedPeople, granted: Iterable[str], known: Mapping[str, str], username: str
) -> str | None:
    """Return the name of the template that a person's requests use in the source by default.

    `granted` are ids, or names of administrators' templates; `known` has the ids of templates that the person can use.
    """
    templates = []
    for resource in granted:
        if resource in known:
            templates.append(known[resource])
        else:
            found.omit(ImportKind.ASSIGNMENT, "There is no such template there.", f"{resource} to {username}")
    for other in templates[1:]:
        reason = "Only one template is active here; the others that were granted are not."
        found.omit(ImportKind.ASSIGNMENT, reason, f"{other} to {username}")
    if not templates:
        return None
    if templates[0] not in found.templates:
        found.omit(ImportKind.ASSIGNMENT, "The template is not imported.", f"{templates[0]} to {username}")
        return None
    return found.templates[templates[0]].name
