"""Import a MoE Sovereign in passes; each pass continues where the last one ended or was interrupted."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from threading import Event
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import RowMapping
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from portal.actions.metering.gateways import import_gateway
from portal.actions.metering.imports import UsageBatch, import_batch, import_person, import_template
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.metering.imports import Progress, import_progress, note_import_progress
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Gateway
from portal.errors import InvalidInput, Unavailable
from portal.imports.sovereign.people import MappedPeople, People, map_people
from portal.imports.sovereign.source import SourceSnapshot, UsageKey, UsageRange
from portal.imports.sovereign.usage import Owners, read_note, read_request
from portal.rules.metering.imports import Finding, ImportedPerson, ImportedTemplate, ImportKind, ImportOutcome, Tally
from portal.rules.people.actors import Actor
from portal.rules.people.secrets import digest
from portal.rules.text import InvalidText
from portal.settings import settings

P = ParamSpec("P")
R = TypeVar("R")
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

MODE = "moe_orchestrated"
"""The mode of requests without one."""
PAUSES = (1, 2, 4, 8)
"""Seconds before each retry of a transaction that another one has blocked."""


@dataclass(frozen=True, slots=True)
class ImportPosition:
    """The position of an import: all usage that was written before transaction `since` is imported.

    The current pass began at transaction `until`, and `after` is the last row that it has imported.
    """

    gateway: str
    timeline: int
    since: int | None = None
    until: int | None = None
    after: UsageKey | None = None

    def as_text(self) -> str:
        """Return the position as text to store."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> "ImportPosition":
        """Return the position of a stored text."""
        values = json.loads(text)
        after = values.pop("after")
        return cls(**values, after=None if after is None else UsageKey(*after))


class SovereignImport:
    """The import of one MoE Sovereign; a person or template is stored again only after a change in the source."""

    def __init__(self, actor: Actor, gateway: str, *, again: bool = False, bar: Bar | None = None) -> None:
        """Set the actor of audit entries and the gateway of the usage; `again`: the first pass reads all usage."""
        self._actor = actor
        self._gateway = gateway.strip()
        self._again = again
        self._bar = bar
        self._templates: dict[str, ImportedTemplate] = {}
        self._people: dict[str, ImportedPerson] = {}
        self._keys: dict[str, set[str]] = {}
        self.stop = Event()
        """An event that ends a pass after the current batch."""

    def run(self, snapshot: SourceSnapshot) -> Tally:
        """Import new data of a snapshot, and return the outcome. Raises PortalError."""
        source = f"moe-sovereign usage {snapshot.system}/{snapshot.database}"
        position, rows = self._begin(source, snapshot.timeline)
        gateway = self._retry(import_gateway, self._actor, self._gateway, utc_now(), MODE)
        people = People(
            users=snapshot.rows("users"),
            keys=snapshot.rows("api_keys"),
            budgets=snapshot.rows("token_budgets"),
            grants=snapshot.grants(),
            admin_templates=snapshot.rows("admin_expert_templates"),
            user_templates=snapshot.rows("user_expert_templates"),
        )
        found, tally = map_people(people), Tally()
        tally.add(found.findings)
        self._import_templates(found.templates, tally)
        self._import_people(gateway, found.people, tally)
        self._import_usage(snapshot, gateway, _Usage(source, position, rows, self._owners(found, people)), tally)
        return tally

    def add_audit_entry(self, snapshot: SourceSnapshot, tally: Tally) -> None:
        """Store the results of a pass in the audit log."""
        counts = {kind.value: tally.counts[kind, ImportOutcome.IMPORTED] for kind in ImportKind}
        source = f"{snapshot.system}/{snapshot.database}"
        run_in_transaction(
            lambda session: add_entry(
                session,
                self._actor,
                "import.moe-sovereign",
                utc_now(),
                target=f"gateway:{self._gateway}",
                source=source,
                imported=counts,
            )
        )

    def _begin(self, source: str, timeline: int) -> tuple[ImportPosition, int]:
        """Return the position in this source, and the number of rows that have been read. Raises InvalidInput."""
        kept = run_in_reading(import_progress, source)
        if kept is None:
            return ImportPosition(self._gateway, timeline), 0
        position = ImportPosition.of_text(kept.position)
        if position.gateway != self._gateway:
            raise InvalidInput(
                f"Its usage is stored under the gateway {position.gateway}; under another one it would count twice. "
                f"Say --gateway {position.gateway}."
            )
        if self._again or position.timeline != timeline:
            position = ImportPosition(self._gateway, timeline)
        self._again = False
        return position, kept.rows

    def _import_templates(self, templates: Mapping[str, ImportedTemplate], tally: Tally) -> None:
        for template_id, template in templates.items():
            if self._templates.get(template_id) == template:
                continue
            try:
                finding = self._retry(import_template, self._actor, template, utc_now())
            except InvalidInput as error:
                finding = Finding(ImportKind.TEMPLATE, ImportOutcome.OMITTED, error.detail, template.name)
            tally.add([finding])
            self._templates[template_id] = template

    def _import_people(self, gateway: Gateway, people: Mapping[str, ImportedPerson], tally: Tally) -> None:
        changed = {user_id: person for user_id, person in people.items() if self._people.get(user_id) != person}
        with self._progress("Importing people", lambda: len(changed)) as advance:
            for user_id, person in changed.items():
                findings = self._retry(import_person, self._actor, gateway.id, digest(user_id), person, utc_now())
                tally.add(findings)
                about_keys = (finding for finding in findings if finding.kind is ImportKind.KEY)
                keys = zip(person.keys, about_keys, strict=True)
                self._keys[user_id] = {
                    key.key_hash for key, finding in keys if finding.outcome is not ImportOutcome.OMITTED
                }
                self._people[user_id] = person
                advance(1)

    def _owners(self, found: MappedPeople, people: People) -> Owners:
        keys = {row["id"]: (row["user_id"], str(row["key_hash"]).lower()) for row in people.keys}
        return Owners(
            usernames={user_id: person.username for user_id, person in found.people.items()},
            keys={key: owned for key, owned in keys.items() if owned[1] in self._keys.get(owned[0], ())},
            names={row["id"]: row["username"] for row in people.users},
        )

    def _import_usage(self, snapshot: SourceSnapshot, gateway: Gateway, usage: "_Usage", tally: Tally) -> None:
        """Import new usage; finish an interrupted pass first, then import the usage written since it began."""
        is_new = False
        while not is_new and not self.stop.is_set():
            is_new = usage.position.until is None
            if is_new:
                usage.position = replace(usage.position, until=snapshot.settled)
            chosen = UsageRange(usage.position.since, usage.position.after)
            with self._progress("Importing requests", partial(snapshot.count_usage, chosen)) as advance:
                for rows in snapshot.usage(chosen):
                    batch = usage.batch(rows, gateway.mode, tally)
                    zone, now = settings().budget_zone, utc_now()
                    tally.add(self._retry(import_batch, gateway.id, gateway.mode, batch, zone, now))
                    advance(len(rows))
                    if self.stop.is_set():
                        return
            usage.end_pass()
            self._retry(note_import_progress, usage.source, usage.progress, utc_now())

    @contextmanager
    def _progress(self, what: str, count: Callable[[], int]) -> Iterator[Callable[[int], None]]:
        if self._bar is None:
            yield lambda _: None
            return
        with self._bar(what, count()) as advance:
            yield advance

    def _retry(self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a transaction, and retry it a few times if another process blocks it."""
        for pause in PAUSES:
            try:
                return run_in_transaction(work, *args, **kwargs)
            except (Unavailable, IntegrityError):  # another import may have stored the same person
                if self.stop.wait(pause):
                    raise
        return run_in_transaction(work, *args, **kwargs)


@dataclass(slots=True)
class _Usage:
    """The import of a source's usage: its position, the number of rows read, and the owners of usage."""

    source: str
    position: ImportPosition
    rows: int
    owners: Owners

    def batch(self, rows: Sequence[RowMapping], mode: str, tally: Tally) -> UsageBatch:
        """Return a batch of rows to store, and move the position after the last row."""
        last = rows[-1]
        self.position = replace(self.position, after=UsageKey(last["user_id"], str(last["requested_at"]), last["id"]))
        self.rows += len(rows)
        notes: dict[str, str] = {}
        for row in rows:
            try:
                if note := read_note(row):
                    notes[row["id"]] = note
            except InvalidText as error:
                tally.add([Finding(ImportKind.NOTE, ImportOutcome.OMITTED, str(error), row["id"])])
        return UsageBatch(self.source, [read_request(row, self.owners, mode) for row in rows], notes, self.progress)

    def end_pass(self) -> None:
        """Move the position to the next pass, which begins with the rows written after this pass had begun."""
        self.position = replace(self.position, since=self.position.until, until=None, after=None)

    @property
    def progress(self) -> Progress:
        """The progress to store."""
        return Progress(self.position.as_text(), self.rows)
