"""The frozen program, and `python -m portal.desktop`."""

import argparse
import multiprocessing
import sys
from pathlib import Path


def main() -> int:
    """Run the program with the arguments of the process; return the exit status."""
    multiprocessing.freeze_support()  # before arguments are read: a child process of a frozen program has its own
    parser = argparse.ArgumentParser("moe-portal", description="MoE Portal of one person on one machine.")
    parser.add_argument("--data", type=Path, metavar="DIR", help="folder of the data")
    parser.add_argument("--port", type=int, metavar="N", help="TCP port on 127.0.0.1; default: a free one")
    parser.add_argument("--no-window", action="store_true", help="print the file that opens the window")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    words = parser.parse_args()

    from portal.desktop.shell import Options, run  # noqa: PLC0415  # takes a second to import
    from portal.version import version  # noqa: PLC0415

    if words.version:
        sys.stdout.write(f"MoE Portal {version()}\n")
        return 0
    return run(Options(words.data, words.port, not words.no_window))


if __name__ == "__main__":
    sys.exit(main())
