"""Handing a mail to the mail server of the settings.

Decision: a 5xx about this mail (its sender, its recipient, its content) is final. One that comes before, such as for a
login, is about the set-up, which an administrator will mend, and so is tried again like network trouble (source:
Postfix does the same, smtp_sasl_auth_soft_bounce and smtp_skip_5xx_greeting). Certificates are verified against those
that the system trusts, and where STARTTLS is asked for but not offered nothing is sent.
"""

import asyncio
import os
import ssl
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, parseaddr

from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
)

from portal.mails.content import Content
from portal.rules.text import clip_line
from portal.settings import Settings

LONGEST_REASON = 300
GOODBYE_WITHIN = 2
"""Seconds that the server has to take leave of us."""


class Refused(Exception):
    """The mail server will never take this mail; the message is a sentence, or what it said."""


class NotNow(Exception):
    """The mail could not be sent, but may be later; the message is a sentence, or what the server said."""


def message(
    settings: Settings, recipient: str, content: Content, message_id: str, written_at: datetime
) -> EmailMessage:
    """Return a mail as it is sent. Raises Refused for a recipient that cannot be one."""
    mail = EmailMessage(WIRE)
    try:
        mail["From"] = settings.smtp_from
        mail["To"] = recipient
        mail["Subject"] = content.subject
    except ValueError as error:
        raise Refused("Mail cannot be sent to that address.") from error
    mail["Date"] = format_datetime(written_at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence notice answers (RFC 3834)
    mail.set_content(content.text, cte="quoted-printable")
    mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
    return mail


async def hand_over(settings: Settings, recipient: str, mail: EmailMessage) -> SMTP:
    """Hand a mail over; return the connection once the server has taken it. Raises Refused and NotNow."""
    secret = settings.smtp_password
    client = SMTP(
        hostname=settings.smtp_host,
        port=settings.smtp_port,
        username=settings.smtp_username,
        password=secret.get_secret_value() if secret else None,
        use_tls=settings.smtp_security == "tls",
        start_tls=settings.smtp_security == "starttls",
        timeout=settings.smtp_timeout,
    )
    try:
        async with asyncio.timeout(settings.smtp_timeout):
            await client.connect()
            await client.send_message(mail, sender=parseaddr(settings.smtp_from or "")[1], recipients=[recipient])
    except BaseException as error:
        client.close()
        if isinstance(error, (SMTPException, OSError, ValueError)):
            raise _judged(error) from error
        raise
    return client


async def take_leave(client: SMTP) -> None:
    """Close a connection, politely if the server lets us."""
    with suppress(SMTPException, OSError):
        await client.quit(timeout=GOODBYE_WITHIN)
    client.close()


def _judged(error: Exception) -> Refused | NotNow:
    """Say what a failure means."""
    match error:
        case SMTPRecipientsRefused(recipients=[refused, *_]):
            return _judged_answer(refused.code, refused.message)
        case SMTPSenderRefused() | SMTPDataError():
            return _judged_answer(error.code, error.message)
        case SMTPResponseException():
            return NotNow(_answer(error.code, error.message))
        case SMTPNotSupported():
            return Refused("The mail server does not take addresses with other letters than a to z.")
        case ValueError() if not isinstance(error, OSError):  # a certificate that is not valid is both
            return Refused("Mail cannot be sent to that address.")
    return NotNow(_trouble(error))


def _judged_answer(code: int, said: str) -> Refused | NotNow:
    return Refused(_answer(code, said)) if 500 <= code <= 599 else NotNow(_answer(code, said))


def _answer(code: int, said: str) -> str:
    return clip_line(f"{code} {said}", LONGEST_REASON)


def _trouble(error: BaseException) -> str:
    """Say in a sentence why there was no answer."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            said = f"The mail server’s certificate is not valid: {cause.verify_message}."
        case ssl.SSLError():
            said = f"The mail server and the portal cannot agree on encryption: {cause.reason}."
        case TimeoutError():
            said = "The mail server has not answered in time."
        case SMTPServerDisconnected():
            said = "The mail server has hung up."
        case OSError():
            said = f"The mail server cannot be reached: {_why(cause)}."
        case _:
            said = str(error)
    return clip_line(said, LONGEST_REASON)


def _why(error: OSError) -> str:
    """Say what the system says, without the address that asyncio adds; a name that is not found has its own words."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "none of its addresses answers"
