"""Sums of usage as JSON."""

from typing import Self

from pydantic import BaseModel, Field

from portal.rules.metering.figures import Figures
from portal.rules.spending.pricing import eur_text


class Sums(BaseModel):
    """Sums of several requests."""

    tokens: int = Field(description="Billable tokens: total × cost factor, rounded half up per request")
    prompt_tokens: int = Field(description="Input tokens, raw")
    completion_tokens: int = Field(description="Output tokens, raw")
    total_tokens: int = Field(description="Input and output tokens together, raw")
    requests: int
    cost_eur: str = Field(description="EUR, an exact decimal string", examples=["0.01486"])
    without_counts: int = Field(
        default=0, exclude_if=lambda count: not count, description="How many requests have unknown tokens, if any"
    )

    @classmethod
    def of(cls, figures: Figures, **about: object) -> Self:
        """Return figures as JSON, with the further fields `about`."""
        sums = {name: getattr(figures, name) for name in Sums.model_fields if name != "cost_eur"}
        return cls.model_validate({**sums, "cost_eur": eur_text(figures.cost_nano_eur), **about})
