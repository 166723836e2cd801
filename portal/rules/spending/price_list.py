"""What the price book can be sorted and filtered by."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.rules.lists import ListRules, one_of


class PriceStatus(StrEnum):
    """Whether an entry prices requests of now; an end that has begun is ended, as the price before it."""

    IN_FORCE = "in_force"
    PLANNED = "planned"
    ENDED = "ended"


GENERAL, MODELS = "general", "models"
PRICE_LIST = ListRules(
    sorts={"model": str, "valid_from": datetime, "source": str, "status": str, "entered": datetime},
    plain="model",
    choices={"status": one_of(tuple(PriceStatus)), "kind": one_of((GENERAL, MODELS))},
)


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """The number of stored requests of a model that have no cost."""

    model: str
    requests: int
