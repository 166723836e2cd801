"""The folders that the operating system gives to the programs of a user."""

from pathlib import Path

import platformdirs

NAME = "moe-portal"
"""The name of the program for the system: of its folder, its desktop entry and its windows."""


def user_data_folder() -> Path:
    """Return the folder for the data of this user, which may not exist yet: `~/.local/share/moe-portal` on Linux."""
    return Path(platformdirs.user_data_dir(NAME, appauthor=False))
