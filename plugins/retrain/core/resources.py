"""The bundle of ports, and one retrain on it: what every step is handed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from retrain.core.policy.gates import LoadGate
    from retrain.core.ports import (
        EvidenceStore,
        Ledger,
        Meter,
        ModelRegistry,
        RecipeTraining,
        Reports,
        ServingTest,
        SmokeTest,
        SnapshotStore,
        Trainer,
        TrialStore,
        Validator,
    )
    from retrain.core.request import RetrainRequest
    from retrain.core.spec import PipelineSpec

__all__ = ["Resources", "Retrain"]


class Resources(Protocol):
    """The systems that retrains and operations on champions need.

    Each one is opened when a step first asks for it, so that a task pays for no system that its step leaves alone.
    ``retrain.hooks`` builds the bundle from Airflow connections, ``retrain.cli`` from a local folder or from addresses.
    """

    @property
    def snapshots(self) -> SnapshotStore:
        """Point-in-time data."""

    @property
    def evidence(self) -> EvidenceStore:
        """Scorecards and per-row scores."""

    @property
    def registry(self) -> ModelRegistry:
        """Runs, model versions and aliases."""

    @property
    def ledger(self) -> Ledger:
        """Retrains, decisions, pointers and moves."""

    @property
    def meter(self) -> Meter:
        """Measures the resource usage of a stored model."""

    @property
    def smoke_test(self) -> SmokeTest:
        """Loads and scores a stored model in a process of its own."""

    @property
    def serving_test(self) -> ServingTest:
        """Loads and scores a new model as others will, without the project."""

    @property
    def train_by_recipe(self) -> RecipeTraining:
        """Trains by a stored recipe in a process of its own."""

    @property
    def reports(self) -> Reports:
        """Draws pictures and writes pages."""

    def open_trials(self) -> TrialStore:
        """Open the store of hyper-parameter searches; only a search calls it."""

    def load_trainer(self, spec: PipelineSpec) -> Trainer:
        """Return the trainer that a pipeline names, with the platform's trust list."""

    def freeze_code(self, spec: PipelineSpec) -> AbstractContextManager[PipelineSpec]:
        """Copy the files that the training of a spec reads, and give the spec with the copy as its root."""

    def load_validator(self, spec: PipelineSpec) -> Validator:
        """Return the validator that a pipeline names."""

    def load_gates(self, spec: PipelineSpec) -> LoadGate:
        """Return the function that makes the gates of a project's own code or of an installed package."""


@dataclass(frozen=True)
class Retrain:
    """One retrain: its pipeline, what was requested, and the systems it works with."""

    spec: PipelineSpec
    request: RetrainRequest
    resources: Resources

    @cached_property
    def trainer(self) -> Trainer:
        """The pipeline's trainer."""
        return self.resources.load_trainer(self.spec)
