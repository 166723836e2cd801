"""The state of the portal for administrators: database, verification, mails, gateways, jobs and notifications."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from portal.db.jobs import job_runs
from portal.db.metering.gateways import all_gateways, usable_tokens
from portal.db.metering.verification import verifying_since
from portal.db.notifications import installation_targets
from portal.db.outbox import count_messages
from portal.db.sql.schema import head, revision
from portal.db.system import count_sessions, database_bytes, database_kind
from portal.rules.jobs import Job
from portal.rules.notifications import Channel, host_of
from portal.rules.people.actors import Actor
from portal.settings import settings
from portal.version import version
from portal.views.authority import check_reader
from portal.views.health import VerificationView, load_verification
from portal.views.mails import DAYS


@dataclass(frozen=True, slots=True)
class DatabaseView:
    """The database: `kind` is sqlite or postgresql, `revision` its schema, `newest` that of this program."""

    kind: str
    bytes: int
    revision: str
    newest: str


@dataclass(frozen=True, slots=True)
class MailsView:
    """Messages that wait, since when the oldest does, and those of the last 30 days that were given up."""

    is_set_up: bool
    queued: int
    waits_since: datetime | None
    failed: int


@dataclass(frozen=True, slots=True)
class LagView:
    """A gateway with a valid token; `lag_seconds` have passed since its last report, None before the first one."""

    id: int
    name: str
    reported_at: datetime | None
    lag_seconds: int | None


@dataclass(frozen=True, slots=True)
class JobView:
    """The last run of a background job; `error` is a sentence in English. No times before the first run."""

    job: Job
    started_at: datetime | None
    finished_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class InstallationChannel:
    """A channel of the settings for the notifications of administrators; `host` is where it leads."""

    channel: Channel
    host: str | None


@dataclass(frozen=True, slots=True)
class SystemView:
    """The state of the portal. `verification` is None before the first night, `verifying_since` while none runs."""

    version: str
    database: DatabaseView
    verification: VerificationView | None
    verifying_since: datetime | None
    mails: MailsView
    gateways: tuple[LagView, ...]
    sessions: int
    jobs: tuple[JobView, ...]
    channels: tuple[InstallationChannel, ...]


def load_system(session: Session, reader: Actor, now: datetime) -> SystemView:
    """Return the state of the portal, without a scan of usage. Raises Forbidden."""
    check_reader(session, reader)
    kind, size = database_kind(session), database_bytes(session)
    waiting = count_messages(session, now - timedelta(DAYS))
    targets = installation_targets()
    return SystemView(
        version=version(),
        database=DatabaseView(kind, size, revision(session.connection()) or "", head()),
        verification=load_verification(session),
        verifying_since=verifying_since(session, now),
        mails=MailsView(settings().mail_is_set_up, *waiting),
        gateways=_gateways(session, now),
        sessions=count_sessions(session, now),
        jobs=_jobs(session),
        channels=tuple(
            InstallationChannel(channel, host_of(targets[channel].url) if channel in targets else None)
            for channel in (Channel.WEBHOOK, Channel.CHAT)
        ),
    )


def _gateways(session: Session, now: datetime) -> tuple[LagView, ...]:
    usable = usable_tokens(session)
    return tuple(
        LagView(row.id, row.name, row.reported_at, _seconds(row.reported_at, now))
        for row in all_gateways(session)
        if row.id in usable
    )


def _seconds(since: datetime | None, now: datetime) -> int | None:
    return None if since is None else max(int((now - since).total_seconds()), 0)


def _jobs(session: Session) -> tuple[JobView, ...]:
    runs = job_runs(session)
    return tuple(
        JobView(job, runs[job].started_at, runs[job].finished_at, runs[job].error)
        if job in runs
        else JobView(job, None, None, None)
        for job in Job
    )
