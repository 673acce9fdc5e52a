"""The part of a bundle of ports that does not depend on its stores."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from retrain.core.policy.gates import LoadGate
    from retrain.core.ports import (
        Meter,
        RecipeTraining,
        Reports,
        ServingTest,
        SmokeTest,
        SnapshotStore,
        Trainer,
        Validator,
    )
    from retrain.core.spec import PipelineSpec

__all__ = ["SharedResources"]


class SharedResources(ABC):
    """The part of `Resources` that runs code: trainers, validators, gates and child processes.

    Args:
        trusted_types: The types that the platform lets a stored model hold beside the built-in list.
    """

    def __init__(self, trusted_types: Sequence[str]) -> None:
        self._trusted_types = trusted_types

    @property
    @abstractmethod
    def snapshots(self) -> SnapshotStore:
        """Point-in-time data."""

    @cached_property
    def meter(self) -> Meter:
        """The meter, over the stored snapshots."""
        from retrain.adapters.isolated.scoring_meter import ChildProcessMeter

        return ChildProcessMeter(self.snapshots, self._trusted_types)

    @cached_property
    def smoke_test(self) -> SmokeTest:
        """The smoke test, over the stored snapshots."""
        from retrain.adapters.isolated.smoke_test import ChildProcessSmokeTest

        return ChildProcessSmokeTest(self.snapshots, self._trusted_types)

    @cached_property
    def serving_test(self) -> ServingTest:
        """The serving test, by MLflow."""
        from retrain.adapters.isolated.serving_test import ChildProcessServingTest

        return ChildProcessServingTest()

    @cached_property
    def train_by_recipe(self) -> RecipeTraining:
        """Training by a stored recipe."""
        from retrain.adapters.isolated.recipe_training import ChildProcessRecipeTraining

        return ChildProcessRecipeTraining(self._trusted_types)

    @cached_property
    def reports(self) -> Reports:
        """Pictures and pages."""
        from retrain.reports.retrain_reports import RetrainReports

        return RetrainReports()

    def load_trainer(self, spec: PipelineSpec) -> Trainer:
        """Return the trainer that a pipeline names, with the platform's trust list."""
        from retrain.adapters.extensions import load_trainer

        return load_trainer(spec, self._trusted_types)

    def freeze_code(self, spec: PipelineSpec) -> AbstractContextManager[PipelineSpec]:
        """Copy the files that the training of a spec reads, and give the spec with the copy as its root."""
        from retrain.adapters.user_code.project_code import freeze_code

        return freeze_code(spec)

    def load_validator(self, spec: PipelineSpec) -> Validator:
        """Return the validator that a pipeline names."""
        from retrain.adapters.extensions import load_validator

        return load_validator(spec)

    def load_gates(self, spec: PipelineSpec) -> LoadGate:
        """Return the function that makes the gates of the project's own code."""
        from retrain.adapters.user_code.project_gates import load_gates

        return load_gates(spec.root)
