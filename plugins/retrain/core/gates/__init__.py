"""The gates: one check of a pipeline's policy a file, under the contract of `base`."""

from typing import Annotated

from pydantic import Discriminator

from retrain.core.gates.base import Gate, Outcome, Verdict
from retrain.core.gates.baseline import Baseline
from retrain.core.gates.beats_champion import BeatsChampion
from retrain.core.gates.budget import Budget
from retrain.core.gates.calibration import Calibration
from retrain.core.gates.custom import Custom, LoadGate
from retrain.core.gates.fairness import Fairness
from retrain.core.gates.leakage import Leakage
from retrain.core.gates.point_estimate import PointEstimate
from retrain.core.gates.population import Population
from retrain.core.gates.slices import Slices
from retrain.core.gates.threshold import Threshold

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
