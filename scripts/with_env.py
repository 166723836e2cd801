"""Run a command with the variables of `.env` in the working directory, where there is one; for the Makefile.

Variables of the environment win. The portal itself never reads `.env`.
"""

import os
import sys

from dotenv import dotenv_values


def main() -> None:
    """Become the command that the arguments name."""
    found = {name: value for name, value in dotenv_values(".env", interpolate=False).items() if value is not None}
    os.execvpe(sys.argv[1], sys.argv[1:], {**found, **os.environ})  # noqa: S606  # the Makefile names it


if __name__ == "__main__":
    main()
