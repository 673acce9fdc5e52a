"""Rules for names that become part of file paths, SQL, URLs and registries; `fullmatch`, because `$` accepts a trailing newline."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

__all__ = [
    "NAME_PATTERN",
    "OPERATION_DAGS",
    "PRODUCTION",
    "AliasName",
    "ColumnName",
    "ModelName",
    "TimelineName",
    "check_name",
    "is_name",
]

PRODUCTION: Final = "production"
"""The only timeline that is projected onto the registry alias."""

OPERATION_DAGS: Final = (
    "retrain_reconcile",
    "retrain_rehearsal",
    "retrain_replay",
    "retrain_rollback",
    "retrain_freeze",
    "retrain_force",
)
"""The ids of the DAGs for operations on champions: a pipeline with such a name would replace one of them."""

NAME_PATTERN: Final = r"[a-z][a-z0-9_-]{0,63}"
_NAME = re.compile(NAME_PATTERN)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


def is_name(value: str) -> bool:
    """Return whether `value` is a valid name of a model or a timeline."""
    return _NAME.fullmatch(value) is not None


def check_name(value: str) -> str:
    """Return `value` if it is a valid name of a model or a timeline.

    Raises:
        ValueError: It is not.
    """
    if not is_name(value):
        raise ValueError("must be 1 to 64 lower-case letters, digits, '_' or '-', and begin with a letter")
    return value


def _check_column(value: str) -> str:
    if _COLUMN.fullmatch(value) is None:
        raise ValueError("must be a column name of letters, digits and '_', not beginning with a digit")
    return value


def _check_model(value: str) -> str:
    if value in OPERATION_DAGS:
        raise ValueError("must not be the name of a DAG for operations on champions")
    return check_name(value)


def _check_alias(value: str) -> str:
    if value == "latest" or re.fullmatch(r"v[0-9]+", value):
        raise ValueError("must not be latest, or v and a number: MLflow reserves these names for versions")
    return check_name(value)


ModelName = Annotated[str, AfterValidator(_check_model)]
AliasName = Annotated[str, AfterValidator(_check_alias), Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"})]
TimelineName = Annotated[str, AfterValidator(check_name)]
ColumnName = Annotated[str, AfterValidator(_check_column)]
