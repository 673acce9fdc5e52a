"""The rating of all versions of a timeline over all windows: how good each is now, how sure that is, and how fast versions age.

Importing this package imports numpy and scikit-learn; the gates that read a rating import it when they judge.
"""

from retrain.core.ratings.expected_gain import ExpectedGain
from retrain.core.ratings.measurement import (
    MOST_VERSIONS,
    MOST_WINDOWS,
    Measurement,
    VersionScore,
    join_clusters,
    measure_version,
)
from retrain.core.ratings.rating import RatedVersion, Rating, rate_versions
from retrain.core.ratings.summary import RatedWindow, RatingSummary, summarize_rating

__all__ = [
    "MOST_VERSIONS",
    "MOST_WINDOWS",
    "ExpectedGain",
    "Measurement",
    "RatedVersion",
    "RatedWindow",
    "Rating",
    "RatingSummary",
    "VersionScore",
    "join_clusters",
    "measure_version",
    "rate_versions",
    "summarize_rating",
]
