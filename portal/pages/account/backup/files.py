"""The files of the card Backup: one is downloaded, one is sent; only in the desktop program, and only by its window."""

import asyncio
from pathlib import Path

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

from portal.backups.desktop import store_upload, written_backup
from portal.errors import PortalError
from portal.web.visitors import administering, language_of
from portal.words import say

router = APIRouter(include_in_schema=False)

FILE = "/user/backup"


@router.get(FILE)
async def send_backup(request: Request) -> Response:
    """Send the backup that the page has written, once."""
    await asyncio.to_thread(administering, request)
    file = await asyncio.to_thread(written_backup)
    headers = {"Content-Disposition": f'attachment; filename="{file.name}"'}
    return FileResponse(file, media_type="application/zip", headers=headers, background=BackgroundTask(_remove, file))


@router.put(FILE)
async def take_backup(request: Request) -> Response:
    """Store a file that may be restored; return its name, or the sentence about the failure."""
    try:
        await asyncio.to_thread(administering, request)
        return PlainTextResponse(await store_upload(request.stream()))
    except PortalError as error:
        return PlainTextResponse(say(error.sentence, language_of(request)), error.status)


def _remove(file: Path) -> None:
    file.unlink(missing_ok=True)
