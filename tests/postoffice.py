"""A real mail server for the tests, in its own thread; a test chooses how it answers for each recipient."""

import asyncio
import ssl
import threading
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from enum import StrEnum
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Does(StrEnum):
    """What the server does to a mail besides taking it; answers are given as what they say."""

    HANGS = "never answers to the recipient"
    DROPS = "takes it, and hangs up in place of saying so"
    SHUTS_DOWN = "421 4.3.2 back in a minute"
    IS_BUSY = "451 4.7.1 greylisted, try again"
    REFUSES = "550-5.1.1 <recipient> no such\r\n550 user"
    REFUSES_DATA = "554 5.7.1 spam"


class PostOffice:
    """The server: what it has taken, and what it does to whom."""

    def __init__(self, **options: Any) -> None:
        """Begin to listen; `options` are aiosmtpd's."""
        self.taken: list[EmailMessage] = []
        self.connections = 0
        self.logins: list[tuple[str, str]] = []
        self.does: dict[str, Does] = {}
        self.secured = False
        self._options = options
        self._over_tls: ssl.SSLContext | None = options.pop("over_tls", None)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.open()

    def open(self, port: int = 0) -> None:
        """Listen, on any free port."""
        self._server = self._in_loop(self._listen(port))
        self.port: int = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Refuse connections."""
        self._in_loop(self._hang_up())

    def stop(self) -> None:
        """End it."""
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def subjects(self, recipient: str) -> list[str]:
        """Return the subjects of what was taken for somebody."""
        return [mail["Subject"] for mail in self.taken if mail["To"] == recipient]

    # what aiosmtpd asks

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        self.secured = session.ssl is not None or self._over_tls is not None
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        match self.does.get(address):
            case Does.HANGS:
                await asyncio.sleep(3600)
            case Does.SHUTS_DOWN | Does.IS_BUSY | Does.REFUSES as answer:
                return answer.replace("recipient", address)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        (recipient,) = envelope.rcpt_tos
        does = self.does.get(recipient)
        if does is Does.REFUSES_DATA:
            return str(does)
        self.taken.append(message_from_bytes(cast(bytes, envelope.content), policy=default))
        if does is Does.DROPS:
            cast(asyncio.Transport, server.transport).abort()
        return "250 OK"

    def _checks(self, server: SMTP, session: Session, envelope: Envelope, how: str, given: object) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"secret", handled=False)

    async def _listen(self, port: int) -> asyncio.Server:
        def session() -> SMTP:
            return SMTP(self, authenticator=self._checks, loop=self._loop, hostname="postoffice", **self._options)

        return await self._loop.create_server(session, "127.0.0.1", port, ssl=self._over_tls)

    async def _hang_up(self) -> None:
        self._server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    def _in_loop(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
