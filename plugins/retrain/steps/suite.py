"""The expectations of a pipeline."""

from __future__ import annotations

import json
from typing import Any

from retrain.core.spec import PipelineSpec
from retrain.errors import DataError

__all__ = ["read_suite"]


def read_suite(spec: PipelineSpec) -> dict[str, Any]:
    """Return the suite's JSON.

    Raises:
        DataError: The file cannot be read or is not a JSON object.
    """
    path = spec.root / spec.validation.suite
    try:
        suite = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{spec.validation.suite} must be a readable JSON file",
            got=type(error).__name__,
            fix="Check validation.suite.",
        ) from error
    if not isinstance(suite, dict):
        raise DataError(
            f"{spec.validation.suite} must be one JSON object",
            got=type(suite).__name__,
            fix="Export the suite from GX.",
        )
    return suite
