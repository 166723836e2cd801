"""The frozen program, and `python -m portal.desktop`."""

import argparse
import multiprocessing
import os
import sys
from pathlib import Path

from portal.desktop.shell import Options, data_problem, port_problem, run
from portal.version import version


def main() -> int:
    """Run the program with the arguments of the process; return the exit status."""
    multiprocessing.freeze_support()  # before arguments are read: a child process of a frozen program has its own
    _open_missing_streams()
    parser = argparse.ArgumentParser("moe-portal", description="MoE Portal of one person on one machine.")
    parser.add_argument("--data", metavar="DIR", help="folder of the data; default: PORTAL_DATA_DIR, else your own")
    parser.add_argument("--port", type=int, metavar="N", help="TCP port on 127.0.0.1; default: that of the last start")
    parser.add_argument("--no-window", action="store_true", help="open no window; print the file that opens one")
    parser.add_argument("--version", action="version", version=f"MoE Portal {version()}")
    words = parser.parse_args()
    if problem := data_problem(words.data) or port_problem(words.port):
        parser.error(problem)
    return run(Options(words.data and Path(words.data), words.port, not words.no_window))


def _open_missing_streams() -> None:
    """Open the streams that a program without a terminal may lack, so that they can be written to."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115  # open until the end


if __name__ == "__main__":
    sys.exit(main())
