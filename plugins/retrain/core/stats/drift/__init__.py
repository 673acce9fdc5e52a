"""Profile of a window: drift between training range and holdout, and features that predict the label suspiciously well."""

from retrain.core.stats.drift.base import ColumnProfile, Profile
from retrain.core.stats.drift.window_profile import profile_window

__all__ = ["ColumnProfile", "Profile", "profile_window"]
