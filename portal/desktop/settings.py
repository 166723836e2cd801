"""The settings of the desktop program, which people do not write into variables."""

import os
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from portal.settings import Settings, WrongSettings, explain, refuse_unknown, variable

_FROM_VARIABLES = ("log_level", "log_format", "refresh_seconds")
"""The fields that variables may set; those of a server, such as its database or its public address, have no effect."""
_TEN_YEARS = 10 * 365 * 24
"""Hours of a session, which ends with the program."""


class DesktopSettings(Settings):
    """The settings of the desktop program."""

    is_desktop: ClassVar[bool] = True


def desktop_settings(folder: Path, port: int, budget_timezone: str) -> DesktopSettings:
    """Return the settings of a desktop program with its data in `folder`. Raises WrongSettings."""
    refuse_unknown(os.environ)
    given = {name.upper(): value for name, value in os.environ.items()}
    values: dict[str, Any] = {name: field.get_default() for name, field in Settings.model_fields.items()}
    values |= {name: given[variable(name)] for name in _FROM_VARIABLES if variable(name) in given}
    values |= {"port": port, "data_dir": folder, "budget_timezone": budget_timezone, "session_hours": _TEN_YEARS}
    try:
        return DesktopSettings(**values)
    except ValidationError as error:
        raise WrongSettings(explain(error)) from None
