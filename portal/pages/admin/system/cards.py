"""The cards of messages, gateways, jobs and channels on the page System."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from nicegui import events, ui

from portal.actions.notifications import send_installation_test
from portal.actions.outbox import repeat_message
from portal.clock import utc_now
from portal.db.sql.session import in_transaction
from portal.errors import PortalError
from portal.pages.components import cells
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, icon_name, set_props, tag
from portal.pages.components.table import Column, data_table
from portal.pages.navigation import GATEWAYS
from portal.rules.messages import message
from portal.rules.notifications import Channel
from portal.views.mails import FailedMail
from portal.views.people.accounts import Viewer
from portal.views.system import InstallationChannel, JobView, LagView
from portal.words import _, context, say
from portal.words.formats import NOTHING, Formats
from portal.words.labels import CHANNELS, JOBS
from portal.words.stored_reasons import stored_sentence

LATE = timedelta(hours=1)
"""A gateway that has not reported for longer is marked."""

_MAILS = (
    Column("when", message("Given up"), classes="sy-when", attributes=cells.exact("when_exact")),
    Column("recipient", message("Recipient"), classes="sy-to", cell=cells.name("recipient", flows=True)),
    Column("subject", message("Subject"), classes="sy-subject", cell=cells.name("subject", flows=True)),
    Column("reason", message("Reason"), classes="sy-reason"),
    Column("retry", message("Actions"), classes="sy-act num", hidden_label=True, cell=cells.action("retry")),
)
_LAGS = (
    Column("name", message("Name"), classes="sy-name", cell=cells.link(cells.name("name", flows=True))),
    Column("reported", message("Last report"), classes="sy-when", attributes=cells.exact("reported_exact")),
    Column("state", message("State"), classes="sy-state", cell=cells.status()),
)
_JOBS = (
    Column("name", message("Job"), classes="sy-name"),
    Column("run", message("Last run"), classes="sy-when", attributes=cells.exact("run_exact")),
    Column("state", message("State"), classes="sy-state", cell=cells.status("done")),
    Column(
        "error",
        message("Error"),
        classes="sy-reason",
        cell=cells.span(cells.text("error"), "mp-bad", given="error") + cells.not_on_phone(cells.text("no_error")),
        attributes='lang="en"',
    ),
)


class MailsCard:
    """The messages that were given up, with a button that sends one again."""

    def __init__(self, viewer: Viewer, formats: Formats, notice: Notice) -> None:
        """Draw the card; `notice` shows the result of the buttons."""
        self._viewer, self._formats, self._notice = viewer, formats, notice
        with tag("section", "mp-card", id="messages", aria_label=_("Messages that were given up")):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", _("Messages that were given up"))
                Text("p", _("Of the last 30 days. Sent again, a message goes to the present address.")).classes(
                    "mp-card__sub"
                )
            self._table = data_table("failed", _MAILS, test_id="mails-table", label=_("Messages that were given up"))
            self._table.when_empty("mail", _("Nothing was given up"), _("All messages were sent, or wait for a try."))
        self._table.on("retry", self._retry)

    def show(self, mails: Sequence[FailedMail], now: datetime) -> None:
        """Show newer rows."""
        self._table.show_rows([self._row(mail, now) for mail in mails])

    def _row(self, mail: FailedMail, now: datetime) -> dict[str, Any]:
        f = self._formats
        return {
            "id": mail.id,
            "when": f.moment(mail.given_up_at, now),
            "when_exact": f.exact(mail.given_up_at),
            "recipient": mail.recipient or mail.username or NOTHING,
            "subject": mail.subject,
            "reason": say(stored_sentence(mail.reason)) if mail.reason else "",
            "retry": _("Send again") if mail.can_repeat else "",
            "retry_label": _("Send “{subject}” again", subject=mail.subject),
        }

    async def _retry(self, event: events.GenericEventArguments) -> None:
        if not isinstance(event.args, int):
            return
        try:
            recipient = await in_transaction(repeat_message, self._viewer.actor, event.args, utc_now())
        except PortalError as error:
            self._notice.say(say(error.sentence), "warn")
        else:
            self._notice.say(_("The message is on its way to {recipient}.", recipient=recipient))
        await refresh_all(self._viewer.id)


class GatewaysCard:
    """How long ago each gateway reported."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Gateways")):
            with tag("div", "mp-card__head"):
                Text("h2", _("Gateways"))
            self._table = data_table("lags", _LAGS, test_id="lags-table", label=_("Gateways"))
            about = _("Gateways with a token are listed here, with their last report.")
            self._table.when_empty("chart", _("No gateways yet"), about)

    def show(self, gateways: Sequence[LagView], now: datetime) -> None:
        """Show newer rows."""
        self._table.show_rows([self._row(each, now) for each in gateways])

    def _row(self, gateway: LagView, now: datetime) -> dict[str, Any]:
        f, at = self._formats, gateway.reported_at
        is_late = at is None or now - at > LATE
        return {
            "id": gateway.id,
            "name": gateway.name,
            "href": f"{GATEWAYS.path}/{gateway.id}",
            "reported": f.moment(at, now) if at else _("Never"),
            "reported_exact": f.exact(at),
            "status": _("Silent") if is_late else context("verb", "Reports"),
            "icon": icon_name("clock" if is_late else "check"),
            "off": is_late,
        }


class JobsCard:
    """The last run of each background job."""

    def __init__(self, formats: Formats) -> None:
        """Draw the card with an empty table."""
        self._formats = formats
        with tag("section", "mp-card", aria_label=_("Jobs")):
            with tag("div", "mp-card__head"):
                Text("h2", _("Jobs"))
            self._table = data_table("jobs", _JOBS, test_id="jobs-table", label=_("Jobs"))

    def show(self, jobs: Sequence[JobView], now: datetime) -> None:
        """Show newer rows."""
        self._table.show_rows([self._row(job, now) for job in jobs])

    def _row(self, job: JobView, now: datetime) -> dict[str, Any]:
        f, at = self._formats, job.finished_at
        words, picture = (_("Waiting"), "clock") if at is None else (_("Done"), "check")
        return {
            "id": list(JOBS).index(job.job),
            "name": say(JOBS[job.job]),
            "run": f.moment(at, now) if at else _("Never"),
            "run_exact": f.exact(at),
            "status": _("Failed") if job.error else words,
            "icon": icon_name("crit" if job.error else picture),
            "done": at is not None and not job.error,
            "off": at is None and not job.error,
            "error": job.error or "",
            "no_error": "" if job.error else NOTHING,
        }


class ChannelsCard:
    """The channels of the settings, which get the notifications of administrators, with a button that tests one."""

    def __init__(self, viewer: Viewer, notice: Notice) -> None:
        """Draw the card; `notice` shows the result of the buttons."""
        self._viewer, self._notice = viewer, notice
        self._hosts: dict[Channel, Text] = {}
        self._tests: dict[Channel, ui.button] = {}
        with tag("section", "mp-card", id="channels", aria_label=_("Notifications"), data_testid="system-channels"):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", _("Notifications"))
                about = _("Set with PORTAL_NOTIFY_* for all administrators. Your own are on Profile.")
                Text("p", about).classes("mp-card__sub")
            with tag("div", "mp-card__body"), tag("ul", "n-channels"):
                for channel, picture in ((Channel.WEBHOOK, "plug"), (Channel.CHAT, "chat")):
                    self._draw(channel, picture)

    def _draw(self, channel: Channel, picture: str) -> None:
        async def test() -> None:
            await self._test(channel)

        with tag("li", "n-channel"):
            icon(picture)
            with tag("div", "n-channel__text"):
                Text("b", say(CHANNELS[channel]))
                self._hosts[channel] = Text("span").classes("mp-muted mp-breaks")
            with tag("div", "n-channel__side"):
                self._tests[channel] = button(_("Send a test"), test)
        set_props(self._tests[channel], aria_label=_("Send a test: {channel}", channel=say(CHANNELS[channel])))

    def show(self, channels: Sequence[InstallationChannel]) -> None:
        """Show where the channels lead."""
        for each in channels:
            self._hosts[each.channel].show(each.host or _("Not set"))
            self._tests[each.channel].set_visibility(each.host is not None)

    async def _test(self, channel: Channel) -> None:
        try:
            host = await in_transaction(send_installation_test, self._viewer.actor, channel, utc_now())
        except PortalError as error:
            self._notice.say(say(error.sentence), "warn")
        else:
            self._notice.say(_("A test is on its way to {host}.", host=host))
