"""Map requests of MoE Sovereign: rows of `usage_log`, and their notes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from portal.gateways.lenient_values import UnclearValue, as_latency, token_count
from portal.imports.sovereign.source import SourceRow, as_utc
from portal.rules.instants import InvalidInstant
from portal.rules.metering.usage import LONGEST_ID, Rejected, UsageReport
from portal.rules.text import MAX_NAME, clean_note, clip_line

_ID = re.compile(rf"[!-~](?:[ -~]{{0,{LONGEST_ID - 2}}}[!-~])?")
"""Printable ASCII without spaces around it."""


@dataclass(frozen=True, slots=True)
class Owners:
    """The owners of usage: user names here by the ids of users, and imported keys by their ids.

    `names` has the names of all users in the source; a key is the id of its user and its SHA-256.
    """

    usernames: Mapping[str, str]
    keys: Mapping[str, tuple[str, str]]
    names: Mapping[str, str]


def read_request(row: SourceRow, owners: Owners, usual_mode: str) -> UsageReport | Rejected:
    """Return a row of `usage_log` as a report, the same report each time it is read.

    Usage of people who were not imported has their name in the source, in a form that no account here can have.
    """
    usage_id = row["id"]
    if not (isinstance(usage_id, str) and _ID.fullmatch(usage_id)):
        return Rejected(None, "Its id is no plain text.")
    try:
        prompt, completion = (token_count(row[name], name) for name in ("prompt_tokens", "completion_tokens"))
        if row["total_tokens"] not in {None, prompt + completion}:
            raise UnclearValue("total_tokens is not the sum of prompt_tokens and completion_tokens.")
        model = clip_line(row["model"], 200)
        if not model:
            raise UnclearValue("There is no model.")
        requested_at = as_utc(row["requested_at"])
    except (UnclearValue, InvalidInstant) as error:
        return Rejected(usage_id, str(error))
    user_id, key_hash, took = row["user_id"], _key_hash(row, owners), row["latency_ms"]
    return UsageReport(
        id=usage_id,
        model=model,
        mode=clip_line(row["moe_mode"], 64) or usual_mode,
        prompt_tokens=prompt,
        completion_tokens=completion,
        key_hash=key_hash,
        username=None if key_hash else owners.usernames.get(user_id) or _nobody(owners.names.get(user_id), user_id),
        status=clip_line(row["status"], 64) or "ok",
        requested_at=requested_at,
        latency_ms=None if took is None else as_latency(took),
        template=clip_line(row["dynamic_tmpl_id"], MAX_NAME) or None,
        session_id=clip_line(row["session_id"], 256) or None,
    )


def read_note(row: SourceRow) -> str:
    """Return the note on a request; empty without one. Raises InvalidText."""
    return clean_note(row["notes"]) if row["notes"] else ""


def _key_hash(row: SourceRow, owners: Owners) -> str | None:
    """Return the digest of a request's key, if it was imported and belongs to the user of the request."""
    owner, key_hash = owners.keys.get(row["api_key_id"] or "", ("", ""))
    return key_hash if owner == row["user_id"] else None


def _nobody(name: str | None, user_id: object) -> str:
    """Return a name for a person who was not imported, which no account here can have."""
    shown = clip_line(name or user_id, MAX_NAME - 2)
    return f"<{shown}>"
