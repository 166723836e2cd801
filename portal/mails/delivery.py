"""Sends a mail to the mail server of the settings.

Decision: a 5xx answer about the mail (its sender, recipient or content) is final. An earlier 5xx answer, for example to
the login, is about the settings, which an administrator will correct, so the mail is tried again as after a network
error (source: Postfix does the same, smtp_sasl_auth_soft_bounce and smtp_skip_5xx_greeting). Certificates are verified
against the system's trusted ones. If the settings require STARTTLS and the server does not offer it, nothing is sent.
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
from portal.rules.outbox import NotNow, Refused
from portal.rules.text import clip_line
from portal.settings import Settings

LONGEST_REASON = 300
GOODBYE_WITHIN = 2
"""Seconds that the server has to answer QUIT."""


def compose_mail(
    settings: Settings, recipient: str, content: Content, message_id: str, written_at: datetime
) -> EmailMessage:
    """Return a mail that is ready to send. Raises Refused for a recipient that is not an address."""
    mail = EmailMessage(WIRE)
    try:
        mail["From"] = settings.smtp_from
        mail["To"] = recipient
        mail["Subject"] = content.subject
    except ValueError as error:
        raise Refused("Mail cannot be sent to that address.") from error
    mail["Date"] = format_datetime(written_at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-generated"  # prevents automatic replies (RFC 3834)
    mail.set_content(content.text, cte="quoted-printable")
    mail.add_alternative(content.html, subtype="html", cte="quoted-printable")
    return mail


async def hand_over(settings: Settings, recipient: str, mail: EmailMessage) -> SMTP:
    """Send a mail, and return the open connection after the server accepted it. Raises Refused and NotNow."""
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
    """Send QUIT and close the connection; errors of the server are ignored."""
    with suppress(SMTPException, OSError):
        await client.quit(timeout=GOODBYE_WITHIN)
    client.close()


def _judged(error: Exception) -> Refused | NotNow:
    """Return the failure as `Refused` if it is final, else as `NotNow`."""
    match error:
        case SMTPRecipientsRefused(recipients=[refused, *_]):
            return _judged_answer(refused.code, refused.message)
        case SMTPSenderRefused() | SMTPDataError():
            return _judged_answer(error.code, error.message)
        case SMTPResponseException():
            return NotNow(_answer(error.code, error.message))
        case SMTPNotSupported():
            return Refused("The mail server does not take addresses with other letters than a to z.")
        case ValueError() if not isinstance(error, OSError):  # an invalid certificate is both
            return Refused("Mail cannot be sent to that address.")
    return NotNow(_trouble(error))


def _judged_answer(code: int, text: str) -> Refused | NotNow:
    return Refused(_answer(code, text)) if 500 <= code <= 599 else NotNow(_answer(code, text))


def _answer(code: int, text: str) -> str:
    return clip_line(f"{code} {text}", LONGEST_REASON)


def _trouble(error: BaseException) -> str:
    """Return a sentence about the reason why there was no answer."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    match cause:
        case ssl.SSLCertVerificationError():
            sentence = f"The mail server’s certificate is not valid: {cause.verify_message}."
        case ssl.SSLError():
            sentence = f"The mail server and the portal cannot agree on encryption: {cause.reason}."
        case TimeoutError():
            sentence = "The mail server has not answered in time."
        case SMTPServerDisconnected():
            sentence = "The mail server has hung up."
        case OSError():
            sentence = f"The mail server cannot be reached: {_why(cause)}."
        case _:
            sentence = str(error)
    return clip_line(sentence, LONGEST_REASON)


def _why(error: OSError) -> str:
    """Return the system's text for an error, without the address that asyncio adds; `strerror` if a name is unknown."""
    if error.errno is not None and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or "none of its addresses answers"
