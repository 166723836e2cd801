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

    kept_port: int | None = None
    """The port that connected programs report to, see `ports`."""

    @property
    def taken_port(self) -> int | None:
        """The kept port, if this run uses another one."""
        return self.kept_port if self.kept_port != self.port else None


def desktop_settings(folder: Path, port: int, budget_timezone: str, kept_port: int | None = None) -> DesktopSettings:
    """Return the settings of a desktop program with its data in `folder`. Raises WrongSettings."""
    refuse_unknown(os.environ)
    given = {name.upper(): value for name, value in os.environ.items()}
    values: dict[str, Any] = {name: field.get_default() for name, field in Settings.model_fields.items()}
    values |= {name: given[variable(name)] for name in _FROM_VARIABLES if variable(name) in given}
    values |= {"port": port, "kept_port": kept_port, "data_dir": folder}
    values |= {"budget_timezone": budget_timezone, "session_hours": _TEN_YEARS}
    try:
        return DesktopSettings(**values)
    except ValidationError as error:
        raise WrongSettings(explain(error)) from None
