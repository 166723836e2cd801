"""One program per folder: a lock, and the way in which a second start reaches the first program.

Decision: the lock is the kernel's, so it ends with its process, however that ends. The file `instance.json` names the
port and a secret; only the user may read it. A second start sends its wish to that port. It may come before the first
program answers requests: the port accepts connections from the beginning, and the wish waits.
"""

import http.client
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from portal.desktop.failures import Failure, disk_failures
from portal.desktop.private import write_private
from portal.rules.messages import message

WISHES = "/desktop/window"
"""The address that takes the wishes of second starts."""
ANSWERS_WITHIN = 60
"""Seconds in which the first program must answer; a slow machine may need some for its start."""
_AGAIN_AFTER = 0.1
"""Seconds between two tries to get the lock or to reach the first program."""


@dataclass(frozen=True, slots=True)
class Wish:
    """The wish of a second start: a window, or the file that opens one, and the variables of its screen."""

    is_window: bool
    screen: dict[str, str]


class Instance:
    """The program that has a folder for itself."""

    def __init__(self, folder: Path) -> None:
        """Name the files in `folder`; `take` locks it."""
        self._lock_file = folder / "lock"
        self._file = folder / "instance.json"
        self._folder = folder
        self._lock: IO[bytes] | None = None
        self.secret = secrets.token_urlsafe(32)

    def take(self) -> bool:
        """Lock the folder; return False if another program has it. Raises Failure if it cannot be locked."""
        with disk_failures(self._folder):
            lock = os.fdopen(os.open(self._lock_file, os.O_RDWR | os.O_CREAT, 0o600), "r+b", buffering=0)
        if not _lock(lock):
            lock.close()
            return False
        self._lock = lock
        self._file.unlink(missing_ok=True)  # of a program that was killed
        return True

    def publish(self, port: int) -> None:
        """Write the port for second starts. Raises Failure."""
        with disk_failures(self._folder):
            write_private(self._file, json.dumps({"port": port, "secret": self.secret}))

    def ask(self, wish: Wish) -> dict[str, Any] | None:
        """Send a wish to the program that has the folder; return its answer, or None if it ends and the lock is free.

        With the lock, this is the program of the folder. Raises Failure if the other program does not answer.
        """
        until = time.monotonic() + ANSWERS_WITHIN
        while time.monotonic() < until:
            answer = self._send(wish)
            if answer is not None:
                return answer
            if self.take():
                return None
            time.sleep(_AGAIN_AFTER)
        raise Failure(
            message(
                "MoE Portal runs already with the folder {folder}, but does not answer. End it, then start it again.",
                folder=str(self._folder),
            )
        )

    def release(self) -> None:
        """Remove the file, and release the lock."""
        if self._lock is not None:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _send(self, wish: Wish) -> dict[str, Any] | None:
        """Return the answer to a wish; None if no program answers it."""
        with suppress(OSError, ValueError, KeyError, TypeError, http.client.HTTPException):
            known = json.loads(self._file.read_text(encoding="utf-8"))
            connection = http.client.HTTPConnection("127.0.0.1", int(known["port"]), timeout=ANSWERS_WITHIN)
            try:
                body = json.dumps({"is_window": wish.is_window, "screen": wish.screen})
                connection.request("POST", WISHES, body, {"Authorization": f"Bearer {known['secret']}"})
                response = connection.getresponse()
                answer = json.loads(response.read()) if response.status == 200 else None
            finally:
                connection.close()
            return answer if isinstance(answer, dict) else None
        return None


def read_wish(body: bytes) -> Wish:
    """Return the wish in a request. Raises ValueError."""
    sent = json.loads(body)
    if not isinstance(sent, dict) or not isinstance(sent.get("screen"), dict):
        raise ValueError("not a wish")  # noqa: TRY004  # as for malformed JSON
    screen = {str(name): str(value) for name, value in sent["screen"].items()}
    return Wish(sent.get("is_window") is True, screen)


def _lock(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; return False if another process has locked it."""
    try:
        import fcntl  # noqa: PLC0415  # Windows does not have it
    except ImportError:
        return _lock_on_windows(file)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lock_on_windows(file: IO[bytes]) -> bool:
    import msvcrt  # noqa: PLC0415  # only Windows has it

    try:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]  # of Windows
    except OSError:
        return False
    return True
