"""Prepare the server: its data directory, its secret, its address."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from portal.settings import Settings


class CannotStart(Exception):
    """The server cannot start; the message is a sentence for the operator."""


def address(settings: Settings, port: int) -> str:
    """Return the address of the portal for browsers."""
    if settings.base_url:
        return settings.base_url.rstrip("/")
    host = "localhost" if settings.host in {"", "0.0.0.0", "::"} else settings.host  # noqa: S104  # recognised only
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def make_data_directory(directory: Path) -> None:
    """Create a directory that only its owner may read, if it does not exist. Raises CannotStart."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"The data directory {directory} cannot be made: {error.strerror or error}.") from error


def storage_secret(settings: Settings) -> str:
    """Return the key that signs NiceGUI's cookie: from the settings, or generated once. Raises CannotStart."""
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    path = settings.data_dir / "secret"
    try:
        if not path.exists():
            fresh = path.with_name(f"secret.{os.getpid()}")
            fresh.touch(0o600)
            fresh.write_text(secrets.token_urlsafe(48), encoding="ascii")
            with suppress(FileExistsError):
                os.link(fresh, path)  # atomic: if two processes start together, the first file counts
            fresh.unlink()
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise CannotStart(f"The secret in {path} can be neither read nor made: {error}") from error
