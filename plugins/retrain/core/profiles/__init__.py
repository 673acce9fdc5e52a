"""What a window looks like: how far holdout and training range lie apart, and what tells the label too well."""

from retrain.core.profiles.base import ColumnProfile, Profile
from retrain.core.profiles.window_profile import profile_window

__all__ = ["ColumnProfile", "Profile", "profile_window"]
