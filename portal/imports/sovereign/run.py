"""Import a MoE Sovereign in passes; each continues where the one before it ended or was interrupted."""

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

from portal.actions.gateways import import_gateway
from portal.actions.imports import Batch, bring_person, bring_template, bring_usage
from portal.clock import utc_now
from portal.db.audit import add_entry
from portal.db.imports import Progress, import_progress, note_import_progress
from portal.db.sql.session import run_in_reading, run_in_transaction
from portal.db.tables import Gateway
from portal.errors import InvalidInput, Unavailable
from portal.imports.sovereign.rows import Newcomers, Owners, People, read_note, read_people, read_usage
from portal.imports.sovereign.source import Look, Place, Wanted
from portal.rules.actors import Actor
from portal.rules.imports import Fate, Finding, ImportedPerson, ImportedTemplate, Kind, Tally
from portal.rules.secrets import digest
from portal.rules.text import InvalidText
from portal.settings import settings

P = ParamSpec("P")
R = TypeVar("R")
Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]

MODE = "moe_orchestrated"
"""Of requests whose mode is not told."""
PAUSES = (1, 2, 4, 8)
"""Seconds before a transaction is tried again that others were in the way of."""


@dataclass(frozen=True, slots=True)
class Position:
    """How far usage has been brought: all that was written before transaction `since` is here.

    While a pass is running, it began at transaction `until` and has come to the row `after`.
    """

    gateway: str
    timeline: int
    since: int | None = None
    until: int | None = None
    after: Place | None = None

    def as_text(self) -> str:
        """Return it as it is kept."""
        return json.dumps(asdict(self))

    @classmethod
    def of_text(cls, text: str) -> "Position":
        """Return what was kept."""
        said = json.loads(text)
        after = said.pop("after")
        return cls(**said, after=None if after is None else Place(*after))


class SovereignImport:
    """The import from one MoE Sovereign; who and what it has brought is not compared again until it changes there."""

    def __init__(self, actor: Actor, gateway: str, *, again: bool = False, bar: Bar | None = None) -> None:
        """Set the gateway of the usage, and the actor of audit entries; `again`: the first pass reads all usage."""
        self._actor = actor
        self._gateway = gateway.strip()
        self._again = again
        self._bar = bar
        self._templates: dict[str, ImportedTemplate] = {}
        self._people: dict[str, ImportedPerson] = {}
        self._keys: dict[str, set[str]] = {}
        self.stop = Event()
        """Ends a pass after the batch that is being stored."""

    def run(self, look: Look) -> Tally:
        """Bring what is new at this look; return what became of it. Raises PortalError."""
        source = f"moe-sovereign usage {look.system}/{look.database}"
        position, rows = self._begin(source, look.timeline)
        gateway = self._insist(import_gateway, self._actor, self._gateway, utc_now(), MODE)
        people = People(
            users=look.rows("users"),
            keys=look.rows("api_keys"),
            budgets=look.rows("token_budgets"),
            grants=look.grants(),
            admin_templates=look.rows("admin_expert_templates"),
            user_templates=look.rows("user_expert_templates"),
        )
        found, tally = read_people(people), Tally()
        tally.add(found.findings)
        self._bring_templates(found.templates, tally)
        self._bring_people(gateway, found.people, tally)
        self._bring_usage(look, gateway, _Usage(source, position, rows, self._owners(found, people)), tally)
        return tally

    def add_audit_entry(self, look: Look, tally: Tally) -> None:
        """Store in the audit log what a pass imported."""
        counts = {kind.value: tally.counts[kind, Fate.BROUGHT] for kind in Kind}
        source = f"{look.system}/{look.database}"
        run_in_transaction(
            lambda session: add_entry(
                session,
                self._actor,
                "import.moe-sovereign",
                utc_now(),
                gateway=self._gateway,
                source=source,
                brought=counts,
            )
        )

    def _begin(self, source: str, timeline: int) -> tuple[Position, int]:
        """Return how far this source has come, and how many rows lie behind it. Raises InvalidInput."""
        kept = run_in_reading(import_progress, source)
        if kept is None:
            return Position(self._gateway, timeline), 0
        position = Position.of_text(kept.position)
        if position.gateway != self._gateway:
            raise InvalidInput(
                f"Its usage stands under the gateway {position.gateway}; under another one it would count twice. "
                f"Say --gateway {position.gateway}."
            )
        if self._again or position.timeline != timeline:
            position = Position(self._gateway, timeline)
        self._again = False
        return position, kept.rows

    def _bring_templates(self, templates: Mapping[str, ImportedTemplate], tally: Tally) -> None:
        for template_id, template in templates.items():
            if self._templates.get(template_id) == template:
                continue
            try:
                finding = self._insist(bring_template, self._actor, template, utc_now())
            except InvalidInput as error:
                finding = Finding(Kind.TEMPLATE, Fate.LEFT, error.detail, template.name)
            tally.add([finding])
            self._templates[template_id] = template

    def _bring_people(self, gateway: Gateway, people: Mapping[str, ImportedPerson], tally: Tally) -> None:
        news = {user_id: person for user_id, person in people.items() if self._people.get(user_id) != person}
        with self._progress("Bringing people", lambda: len(news)) as advance:
            for user_id, person in news.items():
                findings = self._insist(bring_person, self._actor, gateway.id, digest(user_id), person, utc_now())
                tally.add(findings)
                about_keys = (finding for finding in findings if finding.kind is Kind.KEY)
                keys = zip(person.keys, about_keys, strict=True)
                self._keys[user_id] = {key.key_hash for key, finding in keys if finding.fate is not Fate.LEFT}
                self._people[user_id] = person
                advance(1)

    def _owners(self, found: Newcomers, people: People) -> Owners:
        keys = {row["id"]: (row["user_id"], str(row["key_hash"]).lower()) for row in people.keys}
        return Owners(
            usernames={user_id: person.username for user_id, person in found.people.items()},
            keys={key: owned for key, owned in keys.items() if owned[1] in self._keys.get(owned[0], ())},
            names={row["id"]: row["username"] for row in people.users},
        )

    def _bring_usage(self, look: Look, gateway: Gateway, usage: "_Usage", tally: Tally) -> None:
        """Bring what is new; after a pass that had been interrupted also what has come since that one began."""
        is_new = False
        while not is_new and not self.stop.is_set():
            is_new = usage.position.until is None
            if is_new:
                usage.position = replace(usage.position, until=look.settled)
            wanted = Wanted(usage.position.since, usage.position.after)
            with self._progress("Bringing requests", partial(look.count_usage, wanted)) as advance:
                for rows in look.usage(wanted):
                    batch = usage.batch(rows, gateway.mode, tally)
                    zone, now = settings().budget_zone, utc_now()
                    tally.add(self._insist(bring_usage, gateway.id, gateway.mode, batch, zone, now))
                    advance(len(rows))
                    if self.stop.is_set():
                        return
            usage.end_pass()
            self._insist(note_import_progress, usage.source, usage.progress, utc_now())

    @contextmanager
    def _progress(self, what: str, count: Callable[[], int]) -> Iterator[Callable[[int], None]]:
        if self._bar is None:
            yield lambda _: None
            return
        with self._bar(what, count()) as advance:
            yield advance

    def _insist(self, work: Callable[Concatenate[Session, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do something in a transaction, again and again for a while when the portal or a gateway is in its way."""
        for pause in PAUSES:
            try:
                return run_in_transaction(work, *args, **kwargs)
            except (Unavailable, IntegrityError):  # another import may have brought the same person
                if self.stop.wait(pause):
                    raise
        return run_in_transaction(work, *args, **kwargs)


@dataclass(slots=True)
class _Usage:
    """The usage of a source while it is being brought: how far it has come, and whose it is."""

    source: str
    position: Position
    rows: int
    owners: Owners

    def batch(self, rows: Sequence[RowMapping], mode: str, tally: Tally) -> Batch:
        """Return rows as what is stored of them, and move on behind the last one."""
        last = rows[-1]
        self.position = replace(self.position, after=Place(last["user_id"], str(last["requested_at"]), last["id"]))
        self.rows += len(rows)
        notes: dict[str, str] = {}
        for row in rows:
            try:
                if note := read_note(row):
                    notes[row["id"]] = note
            except InvalidText as error:
                tally.add([Finding(Kind.NOTE, Fate.LEFT, str(error), row["id"])])
        return Batch(self.source, [read_usage(row, self.owners, mode) for row in rows], notes, self.progress)

    def end_pass(self) -> None:
        """Move on to the next pass, which begins with what was written after this one had begun."""
        self.position = replace(self.position, since=self.position.until, until=None, after=None)

    @property
    def progress(self) -> Progress:
        """How far it has come, as it is kept."""
        return Progress(self.position.as_text(), self.rows)
