"""Fields of what people enter."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from portal.errors import InvalidInput
from portal.rules.messages import InvalidValue, message
from portal.rules.periods import zone

P = ParamSpec("P")
R = TypeVar("R")


def clean_field(field: str, clean: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `clean(*args, **kwargs)`. Raises InvalidInput with the name of the field for an InvalidValue."""
    try:
        return clean(*args, **kwargs)
    except InvalidValue as error:
        raise InvalidInput(error.sentence, field) from error


def clean_zone(field: str, name: str) -> ZoneInfo:
    """Return the IANA time zone called `name`. Raises InvalidInput with the name of the field."""
    try:
        return zone(name.strip())
    except ValueError as error:
        raise InvalidInput(message("Choose a time zone such as Europe/Berlin."), field) from error
