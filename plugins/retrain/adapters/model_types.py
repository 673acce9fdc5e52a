"""The one mapping from stored columns to what an estimator sees, and from there to the signature of a served model."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, DataType, Schema, TensorSpec

from retrain.errors import DataError

if TYPE_CHECKING:
    from pandas import DataFrame, Series

    from retrain.core.ports import FittedModel

__all__ = ["make_signature", "to_model_types"]

_SERVED: Final[Mapping[str, DataType]] = {
    "b": DataType.boolean,
    "i": DataType.long,
    "u": DataType.long,
    "f": DataType.double,
    "M": DataType.datetime,
    "O": DataType.string,
    "T": DataType.string,
}
"""The type of a served column by the kind of its dtype; text of either dtype is a string."""


def to_model_types(features: DataFrame) -> DataFrame:
    """Return rows whose columns have types that every estimator can read; NULL is NaN, or NaT.

    Whole numbers and booleans with a NULL become float64, as do decimals and whole numbers of 64 bits without a sign; times become
    naive UTC; text is text.

    Raises:
        DataError: A column has another type.
    """
    changed = {str(name): new for name, column in features.items() if (new := _convert(column)) is not column}
    return features.assign(**changed) if changed else features


def make_signature(model: FittedModel, features: DataFrame) -> ModelSignature:
    """Return the signature of a model that was fitted on all of these rows; the columns of probabilities are named by class."""
    inputs = Schema([ColSpec(_SERVED[_kind(features[name])], name) for name in model.features])
    if model.classes is None:
        return ModelSignature(inputs, Schema([TensorSpec(np.dtype(np.float64), (-1,))]))
    return ModelSignature(inputs, Schema([ColSpec(DataType.double, str(name)) for name in model.classes]))


def _convert(column: Series) -> Series:
    dtype: Any = column.dtype
    if isinstance(dtype, pd.DatetimeTZDtype):
        naive: Series = column.dt.tz_convert("UTC").dt.tz_localize(None)
        return naive
    if isinstance(dtype, pd.CategoricalDtype):
        return column.astype("str")
    if dtype == np.uint64 or (pd.api.types.is_extension_array_dtype(dtype) and dtype.kind in "biuf"):
        whole = dtype != np.uint64 and dtype.kind != "f" and str(dtype) != "UInt64" and not column.isna().any()
        return column.astype(np.dtype(dtype.kind + str(dtype.itemsize)) if whole else np.float64)
    if pd.api.types.is_object_dtype(dtype):
        return _convert_objects(column)
    if _kind(column) not in _SERVED:
        raise _make_error(column, str(dtype))
    return column


def _convert_objects(column: Series) -> Series:
    """Return a column of Python objects as text or numbers."""
    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in ("boolean", "decimal", "integer", "floating", "mixed-integer-float", "empty"):
        return column.map(_to_float).astype(np.float64)
    if kind != "string":
        raise _make_error(column, kind)
    return column


def _to_float(value: Any) -> float:
    return float(value) if isinstance(value, bool | int | float | Decimal | np.number) else np.nan


def _kind(column: Series) -> str:
    return "T" if isinstance(column.dtype, pd.StringDtype) else str(column.dtype.kind)


def _make_error(column: Series, got: str) -> DataError:
    return DataError(
        "every feature must be a number, a boolean, a text, a date or a time",
        got=f"{column.name} of type {got}",
        fix="Cast it in the query, or leave it out of data.features.",
    )
