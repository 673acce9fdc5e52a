"""What a window looks like: how far holdout and training range lie apart, and what tells the label too well."""

from retrain.core.stats.drift.base import ColumnProfile, Profile
from retrain.core.stats.drift.window_profile import profile_window

__all__ = ["ColumnProfile", "Profile", "profile_window"]
