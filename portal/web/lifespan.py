"""Open the database and start the jobs before the server starts; stop them after it."""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable

from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.actions.people.setup import create_first_administrator, new_setup_link
from portal.clock import utc_now
from portal.db.sql.opening import open_or_create, shown
from portal.db.sql.schema import WrongDatabase, pin_budget_timezone
from portal.db.sql.session import database, run_in_transaction
from portal.errors import Conflict, InvalidInput, MissingExtra, PortalError
from portal.jobs import backups, forecast, notices, operations, outbox, retention, verification
from portal.settings import Settings
from portal.web.startup import CannotStart, address
from portal.words.catalogues import read_catalogues

log = logging.getLogger(__name__)

_JOBS = (
    verification.run_nightly,
    outbox.run_outbox,
    forecast.run_forecasts,
    backups.run_backups,
    notices.run_notices,
    retention.run_retention,
    operations.run_operations,
)
"""Jobs that run as long as the server."""


class Lifespan:
    """Opens the database and starts the jobs before the app starts; ends both after the app has stopped."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        """Wrap the whole server."""
        self.app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open the database at startup, or report why that failed, without a traceback; pass all other scopes on."""
        if scope["type"] != "lifespan":
            await self.app(scope, receive, send)
            return
        start = await receive()
        try:
            await asyncio.gather(asyncio.to_thread(read_catalogues), asyncio.to_thread(open_portal, self._settings))
        except CannotStart as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        jobs = [asyncio.create_task(job()) for job in _JOBS]

        async def send_after_jobs(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown"):  # after this message the server exits
                await _end(jobs)
            await send(message)

        try:
            await self.app(scope, _first(start, receive), send_after_jobs)
        finally:
            await _end(jobs)
            database().close()


async def _end(jobs: list[asyncio.Task[None]]) -> None:
    for job in jobs:
        job.cancel()
    await asyncio.wait(jobs)


def open_portal(settings: Settings) -> None:
    """Open and migrate the database; print a setup link if there is no active administrator. Raises CannotStart."""
    try:
        opened = open_or_create(settings.url, settings.database_pool)
        settings.adopt_zone(pin_budget_timezone(opened, settings.budget_timezone))
        log.info("database: %s", shown(settings.url))
        _create_administrator(settings)
        token = run_in_transaction(new_setup_link, utc_now())
    except (WrongDatabase, MissingExtra) as error:
        raise CannotStart(str(error)) from error
    except (SQLAlchemyError, PortalError, ImportError, OSError) as error:
        raise CannotStart(f"The database cannot be opened: {_reason(error)}") from error
    if token is not None:
        link = f"{address(settings, settings.port)}/user/setup?token={token}"
        sys.stdout.write(f"There is no administrator yet. Create one, once, at\n{link}\n")
        sys.stdout.flush()


def _create_administrator(settings: Settings) -> None:
    """Create the administrator that the settings name, unless there is one. Raises CannotStart."""
    if settings.admin_username is None or settings.admin_password is None:
        return
    try:
        created = create_first_administrator(
            settings.admin_username, settings.admin_email, settings.admin_password.get_secret_value(), utc_now()
        )
    except (InvalidInput, Conflict) as error:
        field = getattr(error, "field", None)
        name = "PORTAL_ADMIN_" + {"email": "EMAIL", "password": "PASSWORD"}.get(field or "", "USERNAME")
        raise CannotStart(f"{name}: {error.detail}") from error
    if created:
        log.info("created the administrator %s", settings.admin_username)


def _reason(error: BaseException) -> str:
    """Return the message of the database driver in one line; the driver's error is the first cause."""
    while not hasattr(error, "orig") and error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(getattr(error, "orig", None) or error).split())


def _first(message: Message, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """Return a `receive` that returns `message` before all others."""
    waiting = [message]

    async def give() -> Message:
        return waiting.pop() if waiting else await receive()

    return give
