from __future__ import annotations

import math

from retrain.core.stats.drift import Profile
from retrain.testing import make_profile

STORED = {
    "column": "signal",
    "distance": 0.03,
    "luck": 0.05,
    "missing_train": 0.01,
    "missing_holdout": 0.02,
    "unseen": 0.0,
    "strength": 0.7,
    "late": 0,
}


def test_a_profile_keeps_the_names_of_stored_scorecards() -> None:
    document = make_profile().to_json()
    assert document["features"][0] == STORED
    assert document["label"].keys() == STORED.keys()


def test_a_profile_survives_its_json() -> None:
    profile = make_profile()
    document = profile.to_json()
    document["label"]["strength"] = None
    restored = Profile.from_json(document)
    assert restored.features == profile.features
    assert math.isnan(restored.label.label_association)
