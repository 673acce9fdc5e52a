"""The operations that a user may request, and the response once one has started."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from retrain.api.parameters import Text, UtcInstant
from retrain.api.schemas.base import Schema
from retrain.core.names import PRODUCTION, TimelineName
from retrain.core.text import to_one_line

__all__ = [
    "OPERATION_DAGS",
    "Accepted",
    "ApproveBody",
    "FreezeBody",
    "Operation",
    "PromoteBody",
    "RetrainBody",
    "RollbackBody",
]


class Operation(StrEnum):
    """An operation that a user may request."""

    RETRAIN = "retrain"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    APPROVE = "approve"


OPERATION_DAGS: Final = {
    Operation.PROMOTE: "retrain_force",
    Operation.ROLLBACK: "retrain_rollback",
    Operation.FREEZE: "retrain_freeze",
    Operation.UNFREEZE: "retrain_freeze",
}
"""The DAG of dags/operations.py that does it; a retrain is done by the model's own DAG."""


def _said(text: str) -> str:
    reason = to_one_line(text)
    if len(reason) < 3:
        raise ValueError("must say why, in a few words")
    return reason[:500]


Reason = Annotated[str, Field(min_length=3, max_length=500, description="Kept in the ledger."), AfterValidator(_said)]
Version = Annotated[int, Field(ge=1, le=2**31 - 1)]


class RetrainBody(Schema):
    """A retrain, as the pipeline's own DAG does it."""

    as_of: UtcInstant | None = Field(None, description="Whose knowledge may be used; null for now.")
    timeline: TimelineName = Field(PRODUCTION, description="Where a promotion goes.")
    reason: Annotated[str, Field(max_length=500), AfterValidator(to_one_line)] = ""
    nonce: Annotated[Text, Field(max_length=64)] = Field(
        "", description="Any text: a fresh challenger from the same inputs."
    )


class PromoteBody(Schema):
    """Break-glass: a version without a decision, for a while."""

    version: Version
    force: Literal[True] = Field(description="Yes, without a decision.")
    reason: Reason
    expires: str = Field("7d", pattern=r"^[1-9][0-9]{0,3}[dhw]$", description="How long it may stay, such as 7d.")
    timeline: TimelineName = PRODUCTION


class RollbackBody(Schema):
    """Back to a version that was live."""

    to: Version | None = Field(None, description="The version; null for the one before.")
    reason: Reason
    dry_run: bool = False
    timeline: TimelineName = PRODUCTION


class FreezeBody(Schema):
    """No automatic promotion until it is lifted, or the lifting of that."""

    reason: Reason
    timeline: TimelineName = PRODUCTION


class ApproveBody(Schema):
    """A person's answer to a promotion that waits for it."""

    run_id: Annotated[Text, Field(min_length=1)] = Field(description="The DAG run that waits.")
    answer: Literal["approve", "reject"]
    reason: Reason


class Accepted(Schema):
    """The DAG run that performs the operation."""

    operation: Operation
    model: str
    timeline: str
    dag_id: str
    run_id: str
    link: str = Field(description="The run's page, relative to Airflow's base URL.")
    at: datetime
