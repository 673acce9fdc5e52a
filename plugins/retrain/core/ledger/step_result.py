"""What a step of a retrain made, as a record that the next steps look up instead of believing what they are handed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from retrain.core.codec import JsonDataclass
from retrain.core.digest import digest_json

__all__ = ["Step", "StepResult"]


class Step(StrEnum):
    """The steps of a retrain that record what they made."""

    SNAPSHOT = "snapshot"
    VALIDATE = "validate"
    TRAIN = "train"
    EVALUATE = "evaluate"


@dataclass(frozen=True)
class StepResult(JsonDataclass):
    """What one step made for one request, and from what.

    Attributes:
        snapshot: The digest of the snapshot that the step took or worked on.
        suite: The digest of the suite whose expectations all held; only of `VALIDATE`.
        key: The key of the challenger; of `TRAIN` and `EVALUATE`.
        version: The challenger's version in the registry.
        manifest_digest: The digest of the challenger's artifact.
        scorecard: The digest of the scorecard; only of `EVALUATE`.
        spec: The digest of the spec that the step read.
    """

    step: Step
    request_id: str
    snapshot: str
    suite: str = ""
    key: str = ""
    version: int = 0
    manifest_digest: str = ""
    scorecard: str = ""
    spec: str = ""

    @property
    def digest(self) -> str:
        """The sha256 of the record, which names it."""
        return digest_json(self.to_json())
