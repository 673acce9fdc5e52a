"""The ways to put an interval around a paired gain, by name, cheap enough for DAG parsing."""

from __future__ import annotations

from typing import Literal

__all__ = ["IntervalMethod", "IntervalName"]

IntervalMethod = Literal["percentile", "bca", "delong", "jackknife"]
IntervalName = Literal["auto", "percentile", "bca", "delong", "jackknife"]
