from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from tests.builders import World, make_spec

from retrain.adapters.model_types import make_signature, to_model_types
from retrain.core.ports import FittedModel
from retrain.errors import DataError

DOCUMENTED = [
    ("BOOLEAN", "true", "bool", "float64", "boolean", "double"),
    ("TINYINT", "1", "int8", "float64", "long", "double"),
    ("BIGINT", "1", "int64", "float64", "long", "double"),
    ("UINTEGER", "1", "uint32", "float64", "long", "double"),
    ("UBIGINT", "18446744073709551615", "float64", "float64", "double", "double"),
    ("HUGEINT", "1", "float64", "float64", "double", "double"),
    ("DECIMAL(10,2)", "1.25", "float64", "float64", "double", "double"),
    ("FLOAT", "1", "float32", "float32", "double", "double"),
    ("DOUBLE", "1", "float64", "float64", "double", "double"),
    ("VARCHAR", "'a'", "str", "str", "string", "string"),
    ("ENUM('a', 'b')", "'a'", "str", "str", "string", "string"),
    ("UUID", "uuid()", "str", "str", "string", "string"),
    ("DATE", "DATE '2024-01-01'", "datetime64[us]", "datetime64[us]", "datetime", "datetime"),
    ("TIMESTAMP", "TIMESTAMP '2024-01-01'", "datetime64[us]", "datetime64[us]", "datetime", "datetime"),
    ("TIMESTAMPTZ", "TIMESTAMP '2024-01-01'", "datetime64[us]", "datetime64[us]", "datetime", "datetime"),
]


def read(kind: str, value: str, *, null: bool) -> pd.DataFrame:
    sql = f"SELECT CAST({value} AS {kind}) AS x" + (f" UNION ALL SELECT CAST(NULL AS {kind})" if null else "")
    with duckdb.connect() as connection:
        stored = connection.sql(sql).to_arrow_table()  # as in a chunk
        rows: pd.DataFrame = connection.from_arrow(stored).df()
        return rows


def served(features: pd.DataFrame) -> Any:
    model = FittedModel(None, tuple(features.columns), None, (0.0,))
    return make_signature(model, features).inputs.to_dict()


@pytest.mark.parametrize(("kind", "value", "whole", "with_null", "type_", "type_with_null"), DOCUMENTED)
def test_each_type_reaches_the_estimator_and_the_signature_as_documented(
    kind: str, value: str, whole: str, with_null: str, type_: str, type_with_null: str
) -> None:
    for null, dtype, expected in ((False, whole, type_), (True, with_null, type_with_null)):
        features = to_model_types(read(kind, value, null=null))
        assert str(features["x"].dtype) == dtype
        assert [item["type"] for item in served(features)] == [expected]
        assert features["x"].isna().tolist() == [False, True][: len(features)]


def test_the_page_of_data_types_says_the_same() -> None:
    page = (Path(__file__).parents[3] / "docs" / "reference" / "data-types.md").read_text()
    rows = [
        [cell.strip(" `") for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")
    ]
    written = {name.strip(" `"): cells[1:] for cells in rows for name in cells[0].split(",")}
    for kind, _, *expected in DOCUMENTED:
        assert written[kind.partition("(")[0]] == expected, kind


@pytest.mark.parametrize(
    ("values", "dtype"),
    [([True, None], "float64"), ([None, None], "float64"), ([1, 2.5], "float64"), (["a", None], "object")],
)
def test_columns_of_python_objects_become_numbers_or_stay_texts(values: list[Any], dtype: str) -> None:
    features = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    assert str(to_model_types(features)["x"].dtype) == dtype


@pytest.mark.parametrize(("value", "got"), [([1], "mixed"), (timedelta(1), "timedelta64"), (date(2024, 1, 1), "date")])
def test_a_column_of_another_type_is_refused_by_its_name_and_type(value: Any, got: str) -> None:
    with pytest.raises(DataError, match=rf"got x of type {got}"):
        to_model_types(pd.DataFrame({"x": [value]}))


def test_rows_that_need_no_change_are_not_copied() -> None:
    features = pd.DataFrame({"x": [1.0], "y": ["a"]})
    assert to_model_types(features) is features


def test_the_columns_of_probabilities_are_named_by_class() -> None:
    signature = make_signature(FittedModel(None, ("x",), ("no", "yes"), (0.5, 0.5)), pd.DataFrame({"x": [1.0]}))
    assert [item["name"] for item in signature.outputs.to_dict()] == ["no", "yes"]


@pytest.mark.parametrize(
    ("expression", "got"),
    [
        ("INTERVAL 1 DAY", "x of type INTERVAL"),
        ("[1, 2]", r"x of type INTEGER\[\]"),
        ("TIME '10:00:00'", "x of type TIME"),
        ("{'a': 1}", r"x of type STRUCT\(a INTEGER\)"),
    ],
)
def test_a_feature_that_no_model_can_read_is_refused_before_it_is_stored(
    world: World, expression: str, got: str
) -> None:
    (world.root / "query.sql").write_text(f"SELECT *, {expression} AS x FROM 'source/*.parquet'")
    changes = {"data__source": None, "data__query": "query.sql", "data__features": ["signal", "x"]}
    world.spec = make_spec(world.root, **changes)
    with pytest.raises(DataError, match=got):
        world.snapshot()


@pytest.mark.parametrize(
    "column", ["hash(place)", "CASE WHEN signal > 0 THEN 1 END", "signal > 0 OR NULL", "1.5::DECIMAL(9, 2)"]
)
def test_a_champion_is_made_of_any_number_and_its_nulls(world: World, column: str) -> None:
    (world.root / "query.sql").write_text(f"SELECT *, {column} AS x FROM 'source/*.parquet'")
    changes = {"data__source": None, "data__query": "query.sql", "data__features": ["signal", "x"]}
    world.spec = make_spec(world.root, train__estimator="tests.estimators:build_tree", **changes)
    assert world.decide().choice.value == "PROMOTE"
