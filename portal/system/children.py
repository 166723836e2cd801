"""Processes around the desktop program: the environment of its children, and the parent that a frozen program has."""

import ctypes
import os
import signal
import sys

_OF_THE_FILE = ("_PYI_", "_MEI")
"""Variables that PyInstaller sets for the processes of its own file begin with these."""
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH")
"""Variables that a frozen program points to its own libraries; the system's programs would load these."""
_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


def clean_environment() -> None:
    """Remove from the environment of this process what belongs to a frozen program alone, so that no child gets it."""
    if not getattr(sys, "frozen", False):
        return
    for name in [name for name in os.environ if name.startswith(_OF_THE_FILE)]:
        del os.environ[name]
    for name in _LIBRARY_PATHS:
        before = os.environ.pop(f"{name}_ORIG", None)
        os.environ.pop(name, None)
        if before is not None:
            os.environ[name] = before


def end_with_parent() -> None:
    """Let this process get SIGTERM when its parent ends: a frozen program runs in a child of the process people know.

    Only Linux can do this. A parent that gets SIGTERM passes it on anyway; a parent that is killed cannot.
    """
    if not (getattr(sys, "frozen", False) and sys.platform == "linux"):
        return
    ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, int(signal.SIGTERM))
