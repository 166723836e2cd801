"""The ZIP file of a backup: written whole or not at all, read with suspicion."""

import hashlib
import os
import secrets
import shutil
import stat
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from portal.backups.manifest import (
    DUMP_FORM,
    LARGEST_MANIFEST,
    SQLITE_FORM,
    Manifest,
    WrongBackup,
    read_manifest,
)
from portal.errors import PortalError
from portal.rules.messages import message

MANIFEST = "manifest.json"
PART = ".part"
"""The end of the name of a backup that is being written."""
_CHUNK = 2**20
_LEFT_BEHIND = 24 * 3600
"""Seconds after which an unfinished file belongs to a process that was killed."""
_MOST_DENSE = 200
"""Bytes of data for each byte in the file, above `_ALWAYS_ALLOWED`; SQLite databases have up to about 30."""
_ALWAYS_ALLOWED = 64 * 2**20

Check = Callable[[], None]
"""Called often during long work; raises an exception to stop it."""


class CannotBackUp(PortalError):
    """The backup could not be written; no file was left or changed."""

    status = 503
    code = "cannot_back_up"
    sentence = message("The backup could not be written.")


def cannot_write(file: Path, error: OSError) -> CannotBackUp:
    """Return the error for a file or folder that cannot be written."""
    return CannotBackUp(
        message("{file} cannot be written: {reason}.", file=str(file), reason=error.strerror or str(error))
    )


def remove_left_behind(folder: Path, pattern: str) -> None:
    """Remove unfinished files and folders of processes that were killed: those that are a day old."""
    with suppress(OSError):
        for path in folder.glob(pattern):
            if path.stat().st_mtime > time.time() - _LEFT_BEHIND:
                continue
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def go_on() -> None:
    """Never stop the work."""


@contextmanager
def new_file(file: Path) -> Iterator[IO[bytes]]:
    """Yield a file that only its owner may read, and that gets its name when it is complete and on the disk."""
    part = file.with_name(f".{file.name}.{secrets.token_hex(4)}{PART}")
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as opened:
            yield opened
            opened.flush()
            os.fsync(opened.fileno())
        part.replace(file)
        _sync(file.parent)
    except OSError as error:
        raise cannot_write(file, error) from error
    finally:
        part.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Have the names in a folder written to the disk, on systems that can."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def digest_of(data: Path, check: Check = go_on) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    with data.open("rb") as opened:
        while chunk := opened.read(_CHUNK):
            check()
            found.update(chunk)
    return found.hexdigest()


def write_archive(target: IO[bytes], manifest: Manifest, data: Path, check: Check = go_on) -> None:
    """Write the ZIP file; a dump is compressed already."""
    compression = zipfile.ZIP_STORED if manifest.data == DUMP_FORM else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(target, "w", compression, compresslevel=6) as archive:
        archive.writestr(MANIFEST, manifest.model_dump_json(indent=2))
        entry_info = zipfile.ZipInfo(manifest.data, manifest.created_at.timetuple()[:6])
        entry_info.compress_type = compression
        with data.open("rb") as source, archive.open(entry_info, "w", force_zip64=True) as entry:
            while chunk := source.read(_CHUNK):
                check()
                entry.write(chunk)


@contextmanager
def _opened(file: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Yield a backup and its manifest, after checks of both; only for reading, since errors of it are translated."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise WrongBackup
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive, _checked_manifest(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, KeyError) as error:
        raise WrongBackup from error


def manifest_of(file: Path) -> Manifest:
    """Return the manifest of a backup. Raises WrongBackup, and OSError if the file cannot be read."""
    with _opened(file) as (_, manifest):
        return manifest


def unpack(file: Path, folder: Path, check: Check = go_on) -> tuple[Manifest, Path]:
    """Write the data of a backup to a new file in `folder`; return the manifest and that file. Raises as `manifest_of`.

    Raises CannotBackUp without space on the disk.
    """
    with _opened(file) as (archive, manifest):
        data = folder / manifest.data
        _extract(archive, manifest, data, check)
        return manifest, data


def _checked_manifest(archive: zipfile.ZipFile) -> Manifest:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(names) != 2 or names.count(MANIFEST) != 1 or not set(names) <= {MANIFEST, SQLITE_FORM, DUMP_FORM}:
        raise WrongBackup
    if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise WrongBackup
    with archive.open(MANIFEST) as opened:
        manifest = read_manifest(opened.read(LARGEST_MANIFEST))
    data = archive.getinfo(manifest.data)
    is_bomb = data.file_size > max(_ALWAYS_ALLOWED, data.compress_size * _MOST_DENSE)
    if data.file_size != manifest.size or is_bomb:
        raise WrongBackup
    return manifest


def _extract(archive: zipfile.ZipFile, manifest: Manifest, target: Path, check: Check) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < manifest.size:
        raise CannotBackUp(
            message(
                "The disk of {folder} has {free} MB left, and the backup needs {size} MB. Nothing was changed.",
                folder=str(target.parent),
                free=free // 10**6,
                size=manifest.size // 10**6 + 1,
            )
        )
    found, size = hashlib.sha256(), 0
    with (
        archive.open(manifest.data) as source,
        os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened,
    ):
        while chunk := source.read(_CHUNK):
            check()
            size += len(chunk)
            if size > manifest.size:
                raise WrongBackup
            found.update(chunk)
            opened.write(chunk)
    if size != manifest.size or found.hexdigest() != manifest.sha256:
        raise WrongBackup
