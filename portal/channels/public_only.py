"""Refuses connections of this process to addresses that are not public.

Python reports each connection with its address to audit hooks, so this also holds if a name resolves to another address
than before, after a redirect, and for the sockets of every library. A hook stays until the process ends.
"""

import sys

from portal.rules.notifications import is_public

_GUARDED = {"socket.connect", "socket.sendto", "socket.sendmsg"}


class NotPublic(OSError):
    """The address of a connection is not public."""


_was_refused = False


def refuse_private_addresses() -> None:
    """Raise NotPublic in every later connection of this process to an address that is not public."""
    sys.addaudithook(_check)


def was_refused() -> bool:
    """Return whether a connection was refused; libraries that catch errors hide the exception."""
    return _was_refused


def _check(event: str, values: tuple[object, ...]) -> None:
    global _was_refused  # noqa: PLW0603  # a hook belongs to the process
    if event not in _GUARDED:
        return
    address = values[1] if len(values) > 1 else None
    if not isinstance(address, tuple) or not is_public(str(address[0])):
        _was_refused = True
        raise NotPublic
