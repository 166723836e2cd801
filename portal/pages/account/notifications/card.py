"""Where the portal reaches a person besides the bell: mail, webhook and chat, and which topics it sends there."""

from dataclasses import replace
from datetime import datetime

from nicegui import ui
from nicegui.events import ValueChangeEventArguments

from portal.actions.notifications import choose, send_test
from portal.clock import utc_now
from portal.db.sql.session import in_reading, in_transaction
from portal.errors import PortalError
from portal.pages.account.notifications.address_dialog import AddressDialog
from portal.pages.components.inputs.fields import Notice
from portal.pages.components.live import refresh_all
from portal.pages.components.parts import Text, button, icon, set_props, tag
from portal.pages.navigation import BILLING
from portal.rules.messages import message
from portal.rules.notifications import Channel, Topic
from portal.rules.outbox import State
from portal.views.notifications import ChannelView, LastTest, NotificationsView, load_notifications
from portal.views.people.accounts import Viewer
from portal.words import _, say
from portal.words.formats import Formats
from portal.words.labels import CHANNELS, TOPICS

_ICONS = {Channel.MAIL: "mail", Channel.WEBHOOK: "plug", Channel.CHAT: "chat"}
_SETS_UP = {Channel.WEBHOOK: message("Set up webhook"), Channel.CHAT: message("Set up chat")}
_CHANGES = {Channel.WEBHOOK: message("Change webhook"), Channel.CHAT: message("Change chat")}
_TESTS = {
    State.QUEUED: message("Test of {time}: on its way"),
    State.SENT: message("Test of {time}: arrived"),
    State.FAILED: message("Test of {time}: failed. {why}"),
}


class NotificationsCard:
    """The channels with their addresses, and a table of topics by channel; boxes apply at once."""

    def __init__(self, viewer: Viewer, formats: Formats, stored: NotificationsView) -> None:
        """Draw the card with the stored choices."""
        self._viewer = viewer
        with tag("section", "mp-card", id="notifications", aria_label=_("Notifications"), data_testid="notifications"):
            with tag("div", "mp-card__head"), ui.element("div"):
                Text("h2", _("Notifications"))
                Text("p", _("Where the portal reaches you besides the bell")).classes("mp-card__sub")
            with tag("div", "mp-card__body"):
                self._message = Notice()
                with tag("ul", "n-channels"):
                    lines = [ChannelLine(viewer, formats, channel, self._message) for channel in stored.channels]
                self._lines = {line.channel: line for line in lines}
                self._topics = TopicTable(viewer, stored, self._message)
        self.show(stored, utc_now())

    async def load(self) -> NotificationsView:
        """Load the stored choices."""
        viewer = self._viewer
        return await in_reading(load_notifications, viewer.id, viewer.role, viewer.email)

    def show(self, view: NotificationsView, now: datetime) -> None:
        """Show newer addresses, tests and choices."""
        for channel in view.channels:
            self._lines[channel.channel].show(channel, now)
        self._topics.show(view)


class ChannelLine:
    """A channel: where it leads, how the last test ended, and buttons to set it up and to test it."""

    def __init__(self, viewer: Viewer, formats: Formats, view: ChannelView, done: Notice) -> None:
        """Draw the line; `done` shows the results of its buttons."""
        self.channel = view.channel
        self._viewer = viewer
        self._formats = formats
        self._done = done
        self._dialog: AddressDialog | None = None
        with tag("li", "n-channel"):
            icon(_ICONS[view.channel])
            with tag("div", "n-channel__text"):
                Text("b", say(CHANNELS[view.channel]))
                self._where = Text("span").classes("mp-muted mp-breaks")
                self._test = Text("span").classes("mp-faint mp-small").props("role=status")
            with tag("div", "n-channel__side"):
                self._try = button(_("Send a test"), self._send_test)
                self._set = button("", self._open)
        set_props(self._try, aria_label=_("Send a test: {channel}", channel=say(CHANNELS[view.channel])))
        if view.channel is not Channel.MAIL and view.is_available:
            self._dialog = AddressDialog(viewer, view.channel, done, home=self._set)
        self._set.set_visibility(self._dialog is not None)

    def show(self, view: ChannelView, now: datetime) -> None:
        """Show a newer address and the state of the last test."""
        self._where.show(_where(view))
        self._test.show(_test_state(view.test, self._formats, now) if view.is_set_up else "")
        self._try.set_visibility(view.is_set_up and view.channel is not Channel.MAIL)
        if self._dialog is not None:
            self._set.set_text(say((_SETS_UP if view.host is None else _CHANGES)[view.channel]))
            self._dialog.is_set = view.host is not None

    async def _open(self) -> None:
        if self._dialog is not None:
            self._dialog.open()

    async def _send_test(self) -> None:
        try:
            host = await in_transaction(send_test, self._viewer.actor, self.channel, utc_now())
        except PortalError as error:
            self._done.say(say(error.sentence), "warn")
        else:
            self._done.say(_("A test is on its way to {host}.", host=host))
            await refresh_all(self._viewer.id)


def _where(view: ChannelView) -> str:
    """Return where a channel leads, or why it leads nowhere."""
    if not view.is_available:
        return _("Not set up in this portal. An administrator can do that.")
    return view.host or _("No address")


def _test_state(test: LastTest | None, formats: Formats, now: datetime) -> str:
    if test is None:
        return ""
    why = say(test.error) if test.error else ""
    return say(replace(_TESTS[test.state], values=(("time", formats.moment(test.asked_at, now)), ("why", why)))).strip()


class TopicTable:
    """A box for each topic and channel."""

    def __init__(self, viewer: Viewer, view: NotificationsView, done: Notice) -> None:
        """Draw the boxes; `done` shows why one could not be changed."""
        self._viewer = viewer
        self._done = done
        self._wanted: dict[tuple[Topic, Channel], bool] = {}
        self._boxes: dict[tuple[Topic, Channel], ui.checkbox] = {}
        with tag("table", "n-topics"):
            with tag("thead"), tag("tr"):
                tag("th", "", _("About"), scope="col")
                for channel in Channel:
                    tag("th", "", say(CHANNELS[channel]), scope="col")
            with tag("tbody"):
                for topic in view.topics:
                    with tag("tr"):
                        tag("th", "", say(TOPICS[topic.topic]), scope="row")
                        for channel in Channel:
                            with tag("td"):
                                self._draw(topic.topic, channel, is_choice=channel in topic.wanted)

    def _draw(self, topic: Topic, channel: Channel, *, is_choice: bool) -> None:
        if not is_choice:
            tag(
                "a", "mp-link", _("Billing"), href=BILLING.path, title=_("Mails about budgets have their switch there.")
            )
            return

        async def change(event: ValueChangeEventArguments[bool | None]) -> None:
            await self._choose(topic, channel, is_on=bool(event.value))

        box = ui.checkbox(on_change=change)
        name = _("{topic}: {channel}", topic=say(TOPICS[topic]), channel=say(CHANNELS[channel]))
        set_props(box, aria_label=name)
        self._boxes[topic, channel] = box

    def show(self, view: NotificationsView) -> None:
        """Show the stored choices; boxes of channels that lead nowhere are off limits."""
        for topic in view.topics:
            for channel, is_on in topic.wanted.items():
                self._wanted[topic.topic, channel] = is_on
                box = self._boxes[topic.topic, channel]
                box.set_value(is_on)
                box.set_enabled(view.channel(channel).is_set_up)

    async def _choose(self, topic: Topic, channel: Channel, *, is_on: bool) -> None:
        if self._wanted.get((topic, channel)) is is_on:
            return
        try:
            await in_transaction(choose, self._viewer.actor, {(topic, channel): is_on}, utc_now())
        except PortalError as error:
            self._done.say(say(error.sentence), "crit")
            self._boxes[topic, channel].set_value(not is_on)
        else:
            self._wanted[topic, channel] = is_on
            self._done.say(_("Saved."))
