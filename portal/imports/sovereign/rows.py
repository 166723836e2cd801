"""What stands in the tables of MoE Sovereign's own database: people, keys, budgets, expert templates and usage.

Source of the rules: its public code, as of September 2026. Its tables have no version, and columns have been added over
time; a column that is not there reads as null. Instants are ISO text, those without an offset UTC.

Decisions:
- The id of a request is that of its row in `usage_log`, which is unique; its `request_id` is not: one request may be
  logged in several turns, each with tokens of its own. A program that reports the same rows live sends that id.
- Nothing is stored there about what a request was billed with, so no cost factor is reported with it.
- A limit of 0 is none, since it is not enforced there; here it would allow nothing.
- The active template is the first one by id that was granted, which is the one it uses unless a request names another.
- Of two names that differ by case alone, the older account is brought.
- A time zone is known there as hours from UTC only, and 0 also means that nobody has chosen; then the browser tells.
- When a key was last used follows from its usage: there a request counts as a use of all keys of its person.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeGuard

from portal.gateways.lenient_values import Unclear, latency, token_count
from portal.rules.accounts import Language, Role
from portal.rules.budgets import MAX_LIMIT, BudgetType, Limits
from portal.rules.imports import (
    Fate,
    Finding,
    ImportedKey,
    ImportedPerson,
    ImportedTemplate,
    Kind,
    ModelOfCategory,
    Unfit,
)
from portal.rules.instants import InvalidInstant, parse_instant
from portal.rules.secrets import PREFIX_LENGTH, is_digest
from portal.rules.text import (
    MAX_LABEL,
    MAX_NAME,
    InvalidText,
    clean_email,
    clean_line,
    clean_new_username,
    clean_note,
    clip_line,
)
from portal.rules.usage import LONGEST_ID, Rejected, UsageReport

Row = Mapping[Any, Any]

NO_LABEL = "MoE Sovereign"
_BCRYPT = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}", re.ASCII)
_FINEST_FACTOR = Decimal("1E-12")


@dataclass(frozen=True, slots=True)
class People:
    """What the tables about people say, row by row.

    `grants` are the permissions of expert templates, in the order in which MoE Sovereign looks at them.
    """

    users: Sequence[Row]
    keys: Sequence[Row] = ()
    budgets: Sequence[Row] = ()
    grants: Sequence[Row] = ()
    admin_templates: Sequence[Row] = ()
    user_templates: Sequence[Row] = ()


@dataclass(slots=True)
class Newcomers:
    """What can be brought of it, by the ids it has there, and what cannot."""

    templates: dict[str, ImportedTemplate] = field(default_factory=dict)
    people: dict[str, ImportedPerson] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def leave(self, kind: Kind, why: str, name: object) -> None:
        """Note what is not brought."""
        self.findings.append(Finding(kind, Fate.LEFT, why, clip_line(name, MAX_NAME)))

    def remark(self, kind: Kind, why: str, name: object) -> None:
        """Note what is lost of something that is brought."""
        self.findings.append(Finding(kind, Fate.REMARK, why, clip_line(name, MAX_NAME)))


def read_people(said: People) -> Newcomers:
    """Return the templates and people that can be brought; people in the order in which they came to be there."""
    found = Newcomers()
    _read_templates(found, said)
    keys, budgets = _grouped(said.keys), {row["user_id"]: row for row in said.budgets}
    grants, own = _grouped(said.grants), _grouped(said.user_templates)
    shared = {name: row["id"] for row in said.admin_templates for name in (row["name"], row["id"])}
    names: set[str] = set()
    for row in sorted(said.users, key=lambda row: (str(row["created_at"] or ""), row["id"])):
        try:
            person = _person(found, row, names)
        except (InvalidText, Unfit) as error:
            found.leave(Kind.ACCOUNT, str(error), row["username"])
            for key in keys.get(row["id"], ()):
                found.leave(Kind.KEY, "Its owner is not brought.", key["key_prefix"])
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


def _grouped(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Return rows by the id of their user, in their order."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["user_id"], []).append(row)
    return groups


def _person(found: Newcomers, row: Row, names: set[str]) -> ImportedPerson:
    """Return a person without what is theirs. Raises InvalidText and Unfit."""
    username = clean_new_username(row["username"])
    if username in names:
        raise Unfit("Another user there has the same name in other letters.")
    role = "admin" if row["is_admin"] else row["role"] or "user"
    if role not in set(Role):
        found.remark(Kind.ACCOUNT, "There is no such role here; they are users.", username)
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


def _email(found: Newcomers, said: object, username: str) -> str:
    try:
        return clean_email(str(said or ""))
    except InvalidText:
        found.remark(Kind.ACCOUNT, "The email address does not look like one; they have none here.", username)
        return ""


def _password_hash(found: Newcomers, said: object, username: str) -> str | None:
    if isinstance(said, str) and _BCRYPT.fullmatch(said):
        return said
    found.remark(Kind.ACCOUNT, "The password is not hashed with bcrypt; `portal user password` sets one.", username)
    return None


def _time_zone(found: Newcomers, hours: object, username: str) -> str | None:
    """Return the zone that is always so many hours ahead of UTC; their names have the sign of the other way round."""
    if not isinstance(hours, (int, float)) or hours == 0:
        return None
    if not (float(hours).is_integer() and -12 <= hours <= 14):
        why = "No time zone is always that many hours from UTC; they get their browser's."
        found.remark(Kind.ACCOUNT, why, f"{username} with {hours:g}")
        return None
    return f"Etc/GMT{-int(hours):+d}"


def _language(found: Newcomers, said: object, username: str) -> str:
    language = str(said or "en")[:2].lower()
    if language in set(Language):
        return language
    found.remark(Kind.ACCOUNT, "The portal does not speak their language; they get English.", username)
    return "en"


def _keys(found: Newcomers, rows: Iterable[Row]) -> Iterator[ImportedKey]:
    for row in rows:
        try:
            yield _key(row)
        except Unfit as unfit:
            found.leave(Kind.KEY, str(unfit), row["key_prefix"])


def _key(row: Row) -> ImportedKey:
    """Return a key. Raises Unfit."""
    if not is_digest(str(row["key_hash"])):
        raise Unfit("Its hash is no SHA-256.")
    try:
        expires_at = _instant(row["expires_at"]) if row["expires_at"] else None
    except InvalidInstant:
        raise Unfit("It cannot be read when it expires.") from None
    try:
        created_at = _instant(row["created_at"])
    except InvalidInstant:
        created_at = None
    prefix, label = clip_line(row["key_prefix"], PREFIX_LENGTH), clip_line(row["label"], MAX_LABEL)
    return ImportedKey(
        str(row["key_hash"]).lower(), prefix, label or NO_LABEL, row["is_active"] is not False, created_at, expires_at
    )


def _limits(found: Newcomers, row: Row | None, username: str) -> Limits | None:
    """Return the limits that are enforced there; None where there are none."""
    if row is None:
        return None
    daily, monthly, total = (row[name] or None for name in ("daily_limit", "monthly_limit", "total_limit"))
    if any(limit is not None and not 0 < limit <= MAX_LIMIT for limit in (daily, monthly, total)):
        found.leave(Kind.BUDGET, f"A limit lies between 0 and {MAX_LIMIT:,} tokens.", username)
        return None
    try:
        kind = BudgetType(str(row["budget_type"] or "subscription").replace("-", "_"))
    except ValueError:
        found.leave(Kind.BUDGET, "There is no such type of budget here.", f"{username} with {row['budget_type']}")
        return None
    limits = Limits(daily, monthly, total, kind)
    return None if limits == Limits() else limits


def _read_templates(found: Newcomers, said: People) -> None:
    """Read the templates: first those of administrators, then people's own, whose names may be taken by then."""
    taken: set[str] = set()
    for row in (*_oldest_first(said.admin_templates), *_oldest_first(said.user_templates)):
        try:
            template = _template(row)
            if template.name in taken:
                raise Unfit("Another template there has the same name.")
        except (InvalidText, Unfit) as error:
            found.leave(Kind.TEMPLATE, str(error), row["name"])
        else:
            taken.add(template.name)
            found.templates[row["id"]] = template


def _oldest_first(rows: Iterable[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (str(row["created_at"] or ""), row["id"]))


def _template(row: Row) -> ImportedTemplate:
    """Return a template of either table. Raises Unfit and InvalidText."""
    if row["id"].startswith("moe-dyn-"):
        raise Unfit("It was made by MoE Sovereign for a single request.")
    if row.get("is_active") is False:
        raise Unfit("It is switched off.")
    try:
        config = json.loads(row["config_json"])
        said = next(f for f in (row.get("cost_factor"), config.get("cost_factor"), 1) if f is not None)
        factor = Decimal(str(said)).quantize(_FINEST_FACTOR).normalize()
        models = tuple(model for category, of_it in config["experts"].items() for model in _models(category, of_it))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, InvalidOperation):
        raise Unfit("Its configuration cannot be read.") from None
    return ImportedTemplate(clean_line(row["name"] or "", "The name", MAX_NAME), factor, models)


def _models(category: str, said: Row) -> Iterator[ModelOfCategory]:
    """Yield the models of a category; an older form has a single one, which always answers.

    Of newer ones the role decides: `always`, `primary` on demand, or `fallback` in place of others.
    """
    for model in said.get("models", [said]):
        name = clip_line(model.get("model"), 200)
        if not name:
            continue
        role = model.get("role")
        required = model.get("required", True) is not False if role is None else role == "always"
        yield ModelOfCategory(clip_line(category, MAX_NAME), name, clip_line(model.get("endpoint"), 200), required)


def _active_template(found: Newcomers, granted: Iterable[str], known: Mapping[str, str], username: str) -> str | None:
    """Return the name of the template that a person's requests use there unless they name another one.

    `granted` are ids, or names of administrators' templates; `known` are the ids of those that the person can use.
    """
    there = []
    for resource in granted:
        if resource in known:
            there.append(known[resource])
        else:
            found.leave(Kind.ASSIGNMENT, "There is no such template there.", f"{resource} to {username}")
    for other in there[1:]:
        why = "One template is active here; what else was granted is not."
        found.leave(Kind.ASSIGNMENT, why, f"{other} to {username}")
    if not there:
        return None
    if there[0] not in found.templates:
        found.leave(Kind.ASSIGNMENT, "The template is not brought.", f"{there[0]} to {username}")
        return None
    return found.templates[there[0]].name


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose usage is: user names here by the ids of users, and the keys that were brought by their own ids.

    `names` are those there, of all users; a key is its user's id and its SHA-256.
    """

    usernames: Mapping[str, str]
    keys: Mapping[str, tuple[str, str]]
    names: Mapping[str, str]


def read_usage(row: Row, owners: Owners, usual_mode: str) -> UsageReport | Rejected:
    """Return a row of `usage_log` as a report; what it says never changes, so that reading it again is a repetition.

    Usage of people who were not brought stands under the name they have there, which is nobody's here.
    """
    usage_id = row["id"]
    if not _is_plain(usage_id) or not 0 < len(usage_id) <= LONGEST_ID:
        return Rejected(None, "Its id is no plain text.")
    try:
        prompt, completion = (token_count(row[name], name) for name in ("prompt_tokens", "completion_tokens"))
        if row["total_tokens"] not in {None, prompt + completion}:
            raise Unclear("total_tokens is not the sum of prompt_tokens and completion_tokens.")
        model = _line(row["model"], 200)
        if not model:
            raise Unclear("There is no model.")
        requested_at = _instant(row["requested_at"])
    except (Unclear, InvalidInstant) as error:
        return Rejected(usage_id, str(error))
    user_id, key_hash, took = row["user_id"], _key_hash(row, owners), row["latency_ms"]
    return UsageReport(
        id=usage_id,
        model=model,
        mode=_line(row["moe_mode"], 64) or usual_mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        key_hash=key_hash,
        username=None if key_hash else owners.usernames.get(user_id) or _nobody(owners.names.get(user_id), user_id),
        status=_line(row["status"], 64) or "ok",
        requested_at=requested_at,
        latency_ms=None if took is None else latency(took),
        template=_line(row["dynamic_tmpl_id"], MAX_NAME) or None,
        session_id=_line(row["session_id"], 256) or None,
    )


def read_note(row: Row) -> str:
    """Return the note on a request; empty without one. Raises InvalidText."""
    return clean_note(row["notes"]) if row["notes"] else ""


def _key_hash(row: Row, owners: Owners) -> str | None:
    """Return the key a request was made with, if it is here and its user's own."""
    owner, key_hash = owners.keys.get(row["api_key_id"] or "", ("", ""))
    return key_hash if owner == row["user_id"] else None


def _nobody(name: str | None, user_id: object) -> str:
    """Return a name for somebody who was not brought, which no account here can have."""
    shown = clip_line(name or user_id, MAX_NAME - 2)
    return f"<{shown}>"


def _instant(said: object) -> datetime:
    """Return an instant; without an offset it is UTC. Raises InvalidInstant."""
    if isinstance(said, datetime):
        return said.replace(tzinfo=said.tzinfo or UTC).astimezone(UTC)
    try:
        return parse_instant(said)
    except InvalidInstant:
        return parse_instant(f"{said}Z")


def _line(said: object, longest: int) -> str:
    """Return what can be kept of a text; at once for what most of them are."""
    return said if _is_plain(said) and len(said) <= longest else clip_line(said, longest)


def _is_plain(said: object) -> TypeGuard[str]:
    return isinstance(said, str) and said.isascii() and said.isprintable() and said == said.strip()
