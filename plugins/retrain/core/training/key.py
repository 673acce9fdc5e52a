"""The key of a retrain: equal inputs give the same key, and therefore the same run and model version."""

from __future__ import annotations

from retrain.core.digest import digest_json
from retrain.core.spec import PipelineSpec

__all__ = ["compute_retrain_key"]


def compute_retrain_key(spec: PipelineSpec, *, snapshot: str, code: str, lock: str, nonce: str = "") -> str:
    """Return the key of a retrain: the sha256 over everything that determines a challenger, as 64 hex digits.

    Args:
        spec: The pipeline's spec.
        snapshot: The digest of the snapshot's manifest.
        code: The digest of the training code.
        lock: The digest of the interpreter and the pinned requirements.
        nonce: Any text that forces a fresh key.
    """
    without_search = (
        {"search"} if spec.train.search is None else None
    )  # keys of pipelines without a search stay as they were
    training = {
        "model": spec.model,
        "data": {"label": spec.data.label, "features": spec.data.features},
        "task": spec.evaluation.task,
        "train": spec.train.model_dump(mode="json", exclude=without_search),
    }
    return digest_json({"training": training, "snapshot": snapshot, "code": code, "lock": lock, "nonce": nonce})
