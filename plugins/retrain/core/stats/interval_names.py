"""Names of the interval methods for a paired gain, cheap enough to import while Airflow parses DAGs."""

from __future__ import annotations

from typing import Literal

__all__ = ["IntervalMethod", "IntervalName"]

IntervalMethod = Literal["percentile", "bca", "delong", "jackknife"]
IntervalName = Literal["auto", "percentile", "bca", "delong", "jackknife"]
