"""The end of the desktop program by its person."""

import os
import signal


def end_program() -> None:
    """Ask this program to end, as the system does when its user signs out; everything stored is kept."""
    if os.name == "nt":
        signal.raise_signal(signal.SIGTERM)  # there, os.kill would end the process at once
    else:
        os.kill(os.getpid(), signal.SIGTERM)  # reaches the main thread, which handles signals
