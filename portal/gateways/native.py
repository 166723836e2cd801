"""The portal's own dialect: one event, a JSON array of events, or one event a line (NDJSON).

Decision: null in an optional field means the same as a missing field, since many programs write all fields. Token
counts are an exception, since "unknown" must not become zero: null for both prompt_tokens and completion_tokens means
that the counts are unknown, and the request is stored as a call without counts. null for one of them is rejected.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from portal.errors import InvalidInput, PortalError, TooLarge
from portal.rules.instants import parse_instant
from portal.rules.metering.reporters import ONE_ACCOUNT
from portal.rules.metering.usage import LONGEST_ID, LONGEST_LATENCY, Rejected, UsageReport
from portal.rules.people.secrets import digest, is_digest
from portal.rules.spending.pricing import MAX_TOKENS, read_cost_factor
from portal.rules.strict_json import Flaw, MalformedJson, read_items, read_json, read_lines, split_lines
from portal.rules.text import MAX_EMAIL, MAX_NAME, clean_line
from portal.rules.validation import first_problem

MOST_EVENTS = 1_000
"""Events of a JSON array."""
MOST_LINES = 10_000
"""Events of NDJSON; all of them are stored in one transaction."""
LONGEST_LINE = 64 * 1024
"""Bytes of a line of NDJSON."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NEXT_LINE = re.compile(rb"\}[ \t\r]*\n\s*[^\s\]},]|\n[ \t]*\{")


def _exact(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("Leave control characters out.")
    return text


def _clean(longest: int) -> AfterValidator:
    def clean(text: str) -> str:
        is_plain = text.isascii() and text.isprintable() and text == text.strip()
        return text if is_plain else clean_line(text, "The text", longest)

    return AfterValidator(clean)


def _username(text: str) -> str:
    if "@" not in text and len(text) > MAX_NAME:
        raise ValueError(f"A user name has at most {MAX_NAME} characters.")
    return text.lower()


def _hex(text: str) -> str:
    if not is_digest(text):
        raise ValueError("A SHA-256 is written with 64 hexadecimal digits.")
    return text.lower()


def _factor(value: object) -> Decimal | None:
    """Return the exact cost factor of a number or a decimal string."""
    return None if value is None else read_cost_factor(value)


Tokens = Annotated[int, Field(ge=0, le=MAX_TOKENS)]
Name = Annotated[str, Field(min_length=1, max_length=64), _clean(64)]
RequestId = Annotated[str, Field(min_length=1, max_length=LONGEST_ID), AfterValidator(_exact)]
Person = Annotated[str, Field(min_length=1, max_length=MAX_EMAIL), _clean(MAX_EMAIL), AfterValidator(_username)]
Key = Annotated[str, Field(min_length=1, max_length=256)]
KeyHash = Annotated[str, AfterValidator(_hex)]


class Event(BaseModel):
    """One LLM request. Exactly one of `api_key`, `api_key_hash` and `username` names its account.

    Only a program that is connected to the desktop program may leave out all three.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    id: RequestId = Field(description="The gateway's own id of the request, unique for ever")
    api_key: Key | None = None
    api_key_hash: KeyHash | None = Field(default=None, description="SHA-256 of the API key, in hexadecimal")
    username: Person | None = Field(default=None, description="The person's user name or email address")
    model: Annotated[str, Field(min_length=1, max_length=200), _clean(200)]
    mode: Name
    prompt_tokens: Tokens | None = Field(description="null, together with completion_tokens: the counts are unknown")
    completion_tokens: Tokens | None
    cached_tokens: Tokens = Field(default=0, description="Part of prompt_tokens")
    reasoning_tokens: Tokens = Field(default=0, description="Part of completion_tokens")
    status: Name | None = Field(default=None, description="`ok`, which is the default, or a code of an error")
    requested_at: Annotated[datetime, BeforeValidator(parse_instant)] | None = Field(
        default=None, description="ISO 8601 with an offset, at most 5 minutes in the future; default: now"
    )
    latency_ms: Annotated[int, Field(ge=0, le=LONGEST_LATENCY)] | None = None
    template: Name | None = None
    cost_factor: Annotated[Decimal | None, BeforeValidator(_factor)] = Field(
        default=None,
        description="0 to 1000, at most 12 decimals; default: the named template's, else that of the account's own",
    )
    session_id: Annotated[str, Field(min_length=1, max_length=256), _clean(256)] | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if [self.api_key, self.api_key_hash, self.username].count(None) < 2:
            raise ValueError(ONE_ACCOUNT)
        if (self.prompt_tokens is None) is not (self.completion_tokens is None):
            missing = "prompt_tokens" if self.prompt_tokens is None else "completion_tokens"
            raise ValueError(f"{missing} must be a whole number, or both counts null where they are unknown.")
        if self.cached_tokens > (self.prompt_tokens or 0):
            raise ValueError("cached_tokens cannot be more than prompt_tokens.")
        if self.reasoning_tokens > (self.completion_tokens or 0):
            raise ValueError("reasoning_tokens cannot be more than completion_tokens.")
        return self

    def report(self) -> UsageReport:
        """Return the event as a report, with a digest in place of the API key."""
        values = dict(self.__dict__)  # iterating over the model itself takes twice as long
        api_key, key_hash = values.pop("api_key"), values.pop("api_key_hash")
        values["status"] = self.status or "ok"
        if self.prompt_tokens is None:
            values |= {"prompt_tokens": 0, "completion_tokens": 0, "without_counts": True}
        return UsageReport(**values, key_hash=digest(api_key) if api_key is not None else key_hash)


def read_events(body: bytes, *, lines: bool = False) -> list[UsageReport | Rejected]:
    """Return the report of each event in a body, in order. `lines`: the body is NDJSON.

    Raises PortalError for a body that is not JSON, TooLarge for too many events and InvalidInput for none.
    """
    try:
        reports = [_report(item) for item in (_read_lines(body) if lines else _read_document(body))]
    except MalformedJson as error:
        raise PortalError(str(error)) from None
    if not reports:
        raise InvalidInput("There are no events.")
    return reports


def _read_document(body: bytes) -> Iterator[object]:
    """Yield the events of a body that should be a JSON document. Raises MalformedJson and TooLarge."""
    if not body.strip():
        raise MalformedJson("The body is empty.")
    if body.lstrip(b" \t\r\n").startswith(b"["):
        for number, item in enumerate(read_items(body)):
            if number == MOST_EVENTS:
                raise TooLarge(f"An array has at most {MOST_EVENTS:,} events.")
            yield item
        return
    try:
        event = read_json(body)
    except MalformedJson:
        if not _NEXT_LINE.search(body, 0, 2 * LONGEST_LINE):
            raise
        yield from _read_lines(body)  # some programs send NDJSON as application/json
        return
    if not isinstance(event, dict):
        raise MalformedJson("Send an event, an array of events, or one event a line.")
    yield event


def _read_lines(body: bytes) -> Iterator[object]:
    """Yield the events of NDJSON. Raises TooLarge."""
    lines = split_lines(body.strip(), MOST_LINES)
    if len(lines) > MOST_LINES:
        raise TooLarge(f"Send at most {MOST_LINES:,} lines at once.")
    return read_lines(lines, LONGEST_LINE)


def _report(item: object) -> UsageReport | Rejected:
    if isinstance(item, Flaw):
        return Rejected(None, item.reason)
    if not isinstance(item, dict):
        return Rejected(None, "An event is a JSON object.")
    if len(item) > len(Event.model_fields):  # else each field would add an error message
        return Rejected(_proper_id(item), "There are more fields than an event has.")
    try:
        return Event.model_validate(item).report()
    except ValidationError as error:
        sentence, _ = first_problem(error.errors(include_url=False, include_input=False))
        return Rejected(_proper_id(item), sentence)


def _proper_id(item: dict[str, Any]) -> str | None:
    """Return the id of an invalid event, so that its gateway can find it; None for an invalid id."""
    id = item.get("id")
    return id if isinstance(id, str) and 0 < len(id) <= LONGEST_ID and not _CONTROL.search(id) else None
