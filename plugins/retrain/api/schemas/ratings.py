"""The rating of all versions of a timeline."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from retrain.api.schemas.base import Schema
from retrain.api.schemas.decisions import Interval

__all__ = ["Ageing", "RatedVersionView", "RatedWindowView", "Ratings"]


class RatedVersionView(Schema):
    """How good one version is expected to be from now on."""

    version: int
    as_of: datetime
    gain: float = Field(description="The expected gain over the champion, in units of the metric; positive is better.")
    interval: Interval = Field(description="Holds the true gain with a probability of 95 %.")
    chance_best: float = Field(description="The probability that no other rated version is better.")


class RatedWindowView(Schema):
    """The challenger of one window against the champion at the time, by the windows up to then."""

    as_of: datetime
    challenger: int
    champion: int
    gain: float
    interval: Interval


class Ageing(Schema):
    """What a version loses in 30 days."""

    loss: float
    interval: Interval
    words: str = Field(description="The same as a sentence.")


class Ratings(Schema):
    """All versions that the last retrain measured, rated by all windows so far."""

    metric: str
    as_of: datetime = Field(description="Of the last window.")
    windows: int = Field(description="How many windows the rating rests on.")
    champion: int = Field(description="The version that the others are compared with.")
    challenger: int = Field(description="The version that the last retrain made.")
    versions: list[RatedVersionView] = Field(description="By as-of, oldest first.")
    ageing: Ageing
    history: list[RatedWindowView] = Field(
        description="By as-of, oldest first; windows without a champion are left out."
    )
