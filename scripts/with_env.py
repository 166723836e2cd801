"""Run a command with the variables of `.env` in the working directory, if the file exists; for the Makefile.

Variables of the environment come first. The portal itself never reads `.env`.
"""

import os
import sys

from dotenv import dotenv_values


def main() -> None:
    """Replace this process by the command in the arguments."""
    found = {name: value for name, value in dotenv_values(".env", interpolate=False).items() if value is not None}
    os.execvpe(sys.argv[1], sys.argv[1:], {**found, **os.environ})  # noqa: S606  # the Makefile names it


if __name__ == "__main__":
    main()
