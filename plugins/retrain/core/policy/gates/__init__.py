"""The gates: one check of a pipeline's policy a file, under the contract of `base`."""

from typing import Annotated

from pydantic import Discriminator

from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.baseline import Baseline
from retrain.core.policy.gates.beats_champion import BeatsChampion
from retrain.core.policy.gates.budget import Budget
from retrain.core.policy.gates.calibration import Calibration
from retrain.core.policy.gates.custom import Custom, LoadGate
from retrain.core.policy.gates.fairness import Fairness
from retrain.core.policy.gates.leakage import Leakage
from retrain.core.policy.gates.point_estimate import PointEstimate
from retrain.core.policy.gates.population import Population
from retrain.core.policy.gates.slices import Slices
from retrain.core.policy.gates.threshold import Threshold

GateSpec = Annotated[
    Threshold
    | BeatsChampion
    | Slices
    | Baseline
    | Fairness
    | Calibration
    | Population
    | Leakage
    | Budget
    | PointEstimate
    | Custom,
    Discriminator("check"),
]

__all__ = [
    "Baseline",
    "BeatsChampion",
    "Budget",
    "Calibration",
    "Custom",
    "Fairness",
    "Gate",
    "GateSpec",
    "Leakage",
    "LoadGate",
    "Outcome",
    "PointEstimate",
    "Population",
    "Slices",
    "Threshold",
    "Verdict",
]
