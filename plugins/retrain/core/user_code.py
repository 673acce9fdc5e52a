"""What a spec says of the project's own code: where it is, and what it is given."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import AfterValidator, Field, JsonValue

from retrain.core.digest import digest_json

__all__ = ["ESTIMATOR_EXAMPLE", "GATE_EXAMPLE", "ImportPath", "Params"]


def _storable(params: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        digest_json(params)
    except ValueError:
        raise ValueError("must hold finite numbers and Unicode text only, or the retrain could have no key") from None
    return params


ESTIMATOR_EXAMPLE: Final = "include.models.churn:build_estimator"
GATE_EXAMPLE: Final = "include.gates.churn:BigPlans"
ImportPath = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
Params = Annotated[dict[str, JsonValue], AfterValidator(_storable)]
