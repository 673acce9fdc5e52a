"""Names and limits of the intervals of a paired gain, cheap enough to import while Airflow parses DAGs."""

from __future__ import annotations

from typing import Final, Literal

__all__ = ["MIN_BLOCKS", "MIN_CLUSTERS", "IntervalMethod", "IntervalName"]

IntervalMethod = Literal["percentile", "bca", "delong", "jackknife"]
IntervalName = Literal["auto", "percentile", "bca", "delong", "jackknife"]

MIN_CLUSTERS: Final = 8
"""Fewest clusters that are rows or values of a column: with fewer the standard error is too uncertain."""
MIN_BLOCKS: Final = 4
"""Fewest clusters that are calendar periods, or blocks of them: four weeks must do for a holdout of four weeks."""
