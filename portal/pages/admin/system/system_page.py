"""System: whether the portal works, and what of it needs an administrator."""

from dataclasses import dataclass
from datetime import date, datetime

from nicegui import background_tasks, run

from portal.actions.metering.verification import begin_verification, complete_verification
from portal.backups.schedule import BackupState, last_backup
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import PortalError
from portal.pages.admin.system.cards import ChannelsCard, GatewaysCard, JobsCard, MailsCard
from portal.pages.admin.system.tokens import TokensCard
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import live, refresh_all
from portal.pages.components.parts import Text, button, known_facts, set_props, tag
from portal.pages.components.shell.frame import frame
from portal.pages.navigation import SYSTEM
from portal.pages.routing import PageRouter
from portal.rules.messages import message
from portal.views.health import VerificationView
from portal.views.mails import FailedMail, load_failed_mails
from portal.views.people.accounts import Viewer
from portal.views.people.admin_tokens import AdminTokenView, load_admin_tokens
from portal.views.system import SystemView, load_system
from portal.web.visitors import Administrator, connected_pages
from portal.words import _, plural, say
from portal.words.formats import Formats

router = PageRouter()

_FACTS = (
    message("Version"),
    message("Database"),
    message("Size"),
    message("Schema"),
    message("Sessions"),
    message("Open pages"),
    message("Waiting messages"),
    message("Scheduled backup"),
)
_DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page shows."""

    system: SystemView
    mails: tuple[FailedMail, ...]
    tokens: tuple[AdminTokenView, ...]
    backup: tuple[BackupState, datetime] | None
    pages: int


@router.page(SYSTEM.path)
async def system_page(viewer: Administrator) -> None:
    """Show an administrator the state of the portal."""
    formats = Formats.of(viewer)

    async def load() -> Shown:
        now = utc_now()
        system = await in_reading(load_system, viewer.actor, now)
        mails, tokens = await in_reading(load_failed_mails, now), await in_reading(load_admin_tokens, now)
        return Shown(system, mails, tokens, await in_reading(last_backup), connected_pages())

    with frame(SYSTEM, viewer) as head:
        updated = head.updated(only_stale=True)
        notice = Notice()
        health, verification = Health(formats), Verification(viewer, formats, notice)
        mails, gateways = MailsCard(viewer, formats, notice), GatewaysCard(formats)
        jobs, channels = JobsCard(formats), ChannelsCard(viewer, notice)
        tokens = TokensCard(viewer, formats, notice)

        def show(view: Shown, now: datetime) -> None:
            health.show(view, now)
            verification.show(view.system, now)
            mails.show(view.mails, now)
            gateways.show(view.system.gateways, now)
            jobs.show(view.system.jobs, now)
            channels.show(view.system.channels)
            tokens.show(view.tokens, now)

        await live(("system", viewer.id), load, show, updated)


class Health:
    """The card with the figures of the portal."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card without figures."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Health"), data_testid="system-health"):
            with tag("div", "mp-card__head"):
                Text("h2", _("Health"))
            with tag("div", "mp-card__body"):
                self._values = known_facts(*map(say, _FACTS))

    def show(self, view: Shown, now: datetime) -> None:
        """Show newer figures."""
        f, system = self._formats, view.system
        base = system.database
        schema = base.revision if base.revision == base.newest else f"{base.revision} → {base.newest}"
        texts = (
            system.version,
            _DATABASES.get(base.kind, base.kind),
            _("{size} MB", size=f.number(max(base.bytes // 1_000_000, 1))),
            schema,
            f.number(system.sessions),
            f.number(view.pages),
            f.number(system.mails.queued),
            self._backup(view, now),
        )
        for value, text in zip(self._values, texts, strict=True):
            value.show(text)

    def _backup(self, view: Shown, now: datetime) -> str:
        if view.backup is None:
            return _("Never")
        state, begun = view.backup
        when = self._formats.moment(begun, now)
        return {BackupState.RUNNING: _("Running"), BackupState.FAILED: _("Failed, {when}", when=when)}.get(state, when)


class Verification:
    """The card with the last verification, its differences, and the button that begins another one."""

    def __init__(self, viewer: Viewer, formats: Formats, notice: Notice) -> None:
        """Draw the card; `notice` shows why a verification could not begin."""
        self._viewer, self._formats, self._notice = viewer, formats, notice
        self._faults: tuple[str, ...] | None = None
        with tag("section", "mp-card", id="verification", aria_label=_("Verification")):
            with tag("div", "mp-card__head"):
                with tag("div"):
                    Text("h2", _("Verification"))
                    about = _("All sums are compared with the requests behind them, every night and on demand.")
                    Text("p", about).classes("mp-card__sub")
                self._button = button(_("Verify now"), self._begin, icon="refresh")
            with tag("div", "mp-card__body"):
                self._result = Text("p", skeleton=240).props("role=status")
                self._list = tag("ul", "sy-faults", lang="en")

    def show(self, view: SystemView, now: datetime) -> None:
        """Show a newer result."""
        f = self._formats
        since = view.verifying_since
        set_props(self._button, disabled=since is not None)
        running = _("A verification has been running since {when}.", when=f.moment(since, now)) if since else ""
        self._result.show(" ".join(filter(None, (self._last(view.verification, now), running))))
        faults = view.verification.faults if view.verification else ()
        if faults != self._faults:
            self._faults = faults
            self._list.clear()
            with self._list:
                for fault in faults:
                    Text("li", fault).classes("mp-breaks")
        self._list.set_visibility(bool(faults))

    def _last(self, last: VerificationView | None, now: datetime) -> str:
        if last is None:
            return _("Nothing has been verified yet.")
        when, requests = self._formats.moment(last.finished_at, now), self._formats.requests(last.requests)
        if not last.differences:
            return _("The numbers tie: {requests}, {when}.", requests=requests, when=when)
        advice = _("The command “{command}” corrects the sums.", command="portal rebuild")
        found = plural(
            "{count} difference in {requests}, {when}.",
            "{count} differences in {requests}, {when}.",
            last.differences,
            requests=requests,
            when=when,
        )
        return f"{found} {advice}"

    async def _begin(self) -> None:
        try:
            night = await in_transaction(begin_verification, self._viewer.actor, utc_now())
        except PortalError as error:
            self._notice.say(say(error.sentence), "warn")
            return
        background_tasks.create(_verify(night, self._viewer.id), name="verification on demand")
        await refresh_all(self._viewer.id)


async def _verify(night: date, viewer_id: int) -> None:
    await run.io_bound(complete_verification, night)
    await refresh_all(viewer_id)
