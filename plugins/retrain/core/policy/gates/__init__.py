"""The gates: one check of a pipeline's policy per file, under the contract of `base`."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from pydantic import Discriminator, Tag

from retrain.core.extensions import ExtensionPoint, installed_names
from retrain.core.policy.gates.base import Gate, Outcome, Verdict
from retrain.core.policy.gates.baseline import Baseline
from retrain.core.policy.gates.beats_champion import BeatsChampion
from retrain.core.policy.gates.budget import Budget
from retrain.core.policy.gates.calibration import Calibration
from retrain.core.policy.gates.custom import Custom, Installed, LoadedGate, LoadGate
from retrain.core.policy.gates.fairness import Fairness
from retrain.core.policy.gates.fresh import Fresh
from retrain.core.policy.gates.leakage import Leakage
from retrain.core.policy.gates.point_estimate import PointEstimate
from retrain.core.policy.gates.population import Population
from retrain.core.policy.gates.slices import Slices
from retrain.core.policy.gates.strict import Strict
from retrain.core.policy.gates.tail import Tail
from retrain.core.policy.gates.threshold import Threshold

BUILT_IN_GATES: Final = (
    "threshold",
    "fresh",
    "strict",
    "beats_champion",
    "slices",
    "baseline",
    "fairness",
    "calibration",
    "tail",
    "population",
    "leakage",
    "budget",
    "point_estimate",
    "custom",
)
INSTALLED_TAG: Final = "installed gate"


def _tag_of(gate: Any) -> Any:
    """Return which class of the union reads a gate: its own for a built-in name, else that for installed packages."""
    name = gate.get("check") if isinstance(gate, Mapping) else getattr(gate, "check", None)
    is_installed = (
        isinstance(name, str) and name not in BUILT_IN_GATES and name in installed_names(ExtensionPoint.GATES)
    )
    return INSTALLED_TAG if is_installed else name


GateSpec = Annotated[
    Annotated[Threshold, Tag("threshold")]
    | Annotated[Fresh, Tag("fresh")]
    | Annotated[Strict, Tag("strict")]
    | Annotated[BeatsChampion, Tag("beats_champion")]
    | Annotated[Slices, Tag("slices")]
    | Annotated[Baseline, Tag("baseline")]
    | Annotated[Fairness, Tag("fairness")]
    | Annotated[Calibration, Tag("calibration")]
    | Annotated[Tail, Tag("tail")]
    | Annotated[Population, Tag("population")]
    | Annotated[Leakage, Tag("leakage")]
    | Annotated[Budget, Tag("budget")]
    | Annotated[PointEstimate, Tag("point_estimate")]
    | Annotated[Custom, Tag("custom")]
    | Annotated[Installed, Tag(INSTALLED_TAG)],
    Discriminator(_tag_of),
]

__all__ = [
    "BUILT_IN_GATES",
    "INSTALLED_TAG",
    "Baseline",
    "BeatsChampion",
    "Budget",
    "Calibration",
    "Custom",
    "Fairness",
    "Fresh",
    "Gate",
    "GateSpec",
    "Installed",
    "Leakage",
    "LoadGate",
    "LoadedGate",
    "Outcome",
    "PointEstimate",
    "Population",
    "Slices",
    "Strict",
    "Tail",
    "Threshold",
    "Verdict",
]
