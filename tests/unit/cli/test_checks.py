from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.builders import ROOT, make_spec, write_rows

from retrain.cli.checks import check_files
from retrain.errors import SpecError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(ROOT))
    write_rows(tmp_path / "source", {"at": [1]})
    (tmp_path / "suite.json").write_text("{}")
    return tmp_path


def problems_of(root: Path, *gates: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(SpecError) as caught:
        check_files(make_spec(root, gate=list(gates)), "churn.yaml")
    return {problem.path: str(problem) for problem in caught.value.problems}


def custom(name: str, **changes: Any) -> dict[str, Any]:
    return {"check": "custom", "gate": f"tests.gates:{name}"} | changes


def test_a_gate_that_can_be_built_is_no_problem(root: Path) -> None:
    gate = custom("GoodInPlace", params={"place": "north"}, reads=["place"])
    check_files(make_spec(root, gate=[gate]), "churn.yaml")


def test_every_wrong_gate_is_told_by_its_place(root: Path) -> None:
    found = problems_of(
        root,
        custom("Missing"),
        custom("not_a_gate"),
        {"check": "custom", "gate": "tests.nowhere:Mine"},
        custom("GoodInPlace", params={"place": "north", "metric": "auc", "ovr": 1}, reads=["place"]),
        custom("GoodInPlace", reads=["place"]),
        custom("GoodInPlace", params={"place": "north"}),
        custom("Reading", reads=["plan"]),
    )
    assert list(found) == [
        "gate[0].gate",
        "gate[1].gate",
        "gate[2].gate",
        "gate[3].params.metric",
        "gate[3].params.ovr",
        "gate[4].params.place",
        "gate[5].reads",
        "gate[6].reads",
    ]
    assert "AttributeError: module 'tests.gates' has no attribute 'Missing'" in found["gate[0].gate"]
    assert "TypeError: tests.gates:not_a_gate is not a subclass of retrain.gates.Gate" in found["gate[1].gate"]
    assert "ModuleNotFoundError: No module named 'tests.nowhere'" in found["gate[2].gate"]
    assert "must be a metric; got 'auc'" in found["gate[3].params.metric"]
    assert "must be a known key; got 'ovr'. Did you mean 'over'?" in found["gate[3].params.ovr"]
    assert "must be given; got nothing. Add `place:`." in found["gate[4].params.place"]
    assert "must name place; got none" in found["gate[5].reads"]
    assert "must name place; got plan" in found["gate[6].reads"]
