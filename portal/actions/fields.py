"""Fields of what people enter."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from portal.errors import InvalidInput
from portal.rules.messages import InvalidValue

P = ParamSpec("P")
R = TypeVar("R")


def clean_field(field: str, clean: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Return `clean(*args, **kwargs)`. Raises InvalidInput with the name of the field for an InvalidValue."""
    try:
        return clean(*args, **kwargs)
    except InvalidValue as error:
        raise InvalidInput(error.sentence, field) from error
