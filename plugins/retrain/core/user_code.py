"""What a spec says about the code that trains and judges: its import paths and its params."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue

from retrain.core.digest import digest_json

__all__ = ["DEFAULT_TRAINER", "ESTIMATOR_EXAMPLE", "GATE_EXAMPLE", "ImportPath", "Params", "check_storable"]


def check_storable(params: Mapping[str, JsonValue]) -> None:
    """Raise ValueError if params hold what has no digest: NaN, an infinity, or text that is not Unicode."""
    try:
        digest_json(dict(params))
    except ValueError:
        raise ValueError("must hold finite numbers and Unicode text only, or the retrain could have no key") from None


def _storable(params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    check_storable(params)
    return params


DEFAULT_TRAINER: Final = "sklearn"
ESTIMATOR_EXAMPLE: Final = "include.models.churn:build_estimator"
GATE_EXAMPLE: Final = "include.gates.churn:BigPlans"
ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
Params = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
