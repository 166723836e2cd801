"""Notifications of the operating system.

Linux and the BSDs: a call of `org.freedesktop.Notifications` on the session bus (Desktop Notifications Specification
1.2). macOS and Windows: scripts of the system, which get the texts as arguments and variables, never as code; these two
are written after the vendors' pages and have not been run.

Decision: jeepney speaks to the bus, not `notify-send`, which many systems do not install, and which a frozen program
would have to start with a clean environment.
"""

import logging
import os
import subprocess
import sys
from html import escape
from pathlib import Path

import portal
from portal.errors import Unavailable
from portal.rules.messages import message
from portal.system.folders import NAME

log = logging.getLogger(__name__)

TIMEOUT = 5.0
"""Seconds within which the system must take a notification."""
APP = "MoE Portal"
_ICON = Path(portal.__file__).parent / "static" / "favicon.svg"
_APPLESCRIPT = """on run texts
display notification (item 2 of texts) with title (item 1 of texts)
end run"""
_POWERSHELL = """
$manager = [Windows.UI.Notifications.ToastNotificationManager, Windows.UI.Notifications, ContentType = WindowsRuntime]
$page = $manager::GetTemplateContent('ToastText02')
$lines = $page.GetElementsByTagName('text')
$lines.Item(0).AppendChild($page.CreateTextNode($env:NOTICE_TITLE)) | Out-Null
$lines.Item(1).AppendChild($page.CreateTextNode($env:NOTICE_TEXT)) | Out-Null
$toast = New-Object Windows.UI.Notifications.ToastNotification $page
$powershell = '{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}\\WindowsPowerShell\\v1.0\\powershell.exe'
$manager::CreateToastNotifier($powershell).Show($toast)
"""
"""A program without an entry in the Start menu may not notify, so the notification has the name of PowerShell."""


class CannotNotify(Unavailable):
    """The system has not taken a notification; the log has the reason."""

    sentence = message("This system does not show notifications.")


def show_notice(title: str, text: str) -> None:
    """Show a notification; return as soon as the system has taken it. Call it on a thread. Raises CannotNotify."""
    try:
        if sys.platform == "win32":
            _run("powershell.exe", "-NoProfile", "-NonInteractive", "-Command", _POWERSHELL, title=title, text=text)
        elif sys.platform == "darwin":
            _run("/usr/bin/osascript", "-e", _APPLESCRIPT, title, text)
        else:
            _call_bus(title, text)
    except (OSError, subprocess.SubprocessError, LookupError, RuntimeError, ValueError) as error:
        log.info("a notification was not taken: %s", error)
        raise CannotNotify from error


def _call_bus(title: str, text: str) -> None:
    """Call the notification service. Raises OSError, LookupError without a bus, RuntimeError for a refusal."""
    from jeepney import DBusAddress, MessageType, new_method_call  # noqa: PLC0415  # a server does not need it
    from jeepney.io.blocking import open_dbus_connection  # noqa: PLC0415

    service = DBusAddress(
        "/org/freedesktop/Notifications", "org.freedesktop.Notifications", "org.freedesktop.Notifications"
    )
    hints: dict[str, tuple[str, str]] = {"desktop-entry": ("s", NAME)}
    nothing: list[str] = []
    body = (APP, 0, str(_ICON), title, escape(text, quote=False), nothing, hints, -1)  # -1: for as long as usual
    with open_dbus_connection("SESSION", auth_timeout=TIMEOUT) as bus:
        reply = bus.send_and_get_reply(new_method_call(service, "Notify", "susssasa{sv}i", body), timeout=TIMEOUT)
    if reply.header.message_type is MessageType.error:
        raise RuntimeError(" ".join(map(str, reply.body)))


def _run(*command: str, **variables: str) -> None:
    """Run a program of the system. Raises OSError and SubprocessError."""
    environment = os.environ | {f"NOTICE_{name.upper()}": value for name, value in variables.items()}
    hidden = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    subprocess.run(  # noqa: S603  # fixed commands
        command, check=True, capture_output=True, timeout=TIMEOUT, env=environment, creationflags=hidden
    )
