"""Sums of usage as JSON."""

from typing import Self

from pydantic import BaseModel, Field

from portal.rules.figures import Figures
from portal.rules.pricing import eur_text


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
        return cls.model_validate(
            {
                "tokens": figures.tokens,
                "prompt_tokens": figures.prompt_tokens,
                "completion_tokens": figures.completion_tokens,
                "total_tokens": figures.total_tokens,
                "requests": figures.requests,
                "cost_eur": eur_text(figures.cost_nano_eur),
                "without_counts": figures.without_counts,
                **about,
            }
        )
