"""The error body of the API."""

from __future__ import annotations

from pydantic import Field

from retrain.api.schemas.base import Schema

__all__ = ["Problem", "Unavailable"]


class Problem(Schema):
    """An error: the same three sentences as every error of this package."""

    must: str = Field(description="What must hold.")
    got: str = Field(description="What came instead; never a secret and never a value of the data.")
    fix: str = Field(description="What to do next.")
    link: str | None = Field(None, description="A page to look at, relative to Airflow's base URL.")


class Unavailable(Schema):
    """A part of an answer that is missing because its store does not answer or does not have it."""

    part: str
    reason: str
