from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from retrain.adapters.user_code.project_gates import gate_class, load_gates
from retrain.core.policy.gates import Custom, Gate

GATE = """
from retrain.core.policy.gates import Gate, Outcome, Verdict

class Picky(Gate):
    least: int

    def judge(self, evidence):
        return Verdict("picky", Outcome.PASS, "because", self.least, 0)

other = 7
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "picky_gates.py").write_text(GATE)
    yield tmp_path
    sys.modules.pop("picky_gates", None)


def named(name: str, **params: int) -> Custom:
    return Custom(check="custom", gate=name, params=params)


def test_a_gate_is_found_below_the_project_and_has_its_params(project: Path) -> None:
    gate = load_gates(project)(named("picky_gates:Picky", least=3))
    assert isinstance(gate, Gate)
    assert gate.model_dump() == {"least": 3}


def test_naming_a_gate_imports_nothing(project: Path) -> None:
    named("picky_gates:Picky", least=3)
    load_gates(project)
    assert "picky_gates" not in sys.modules


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("picky_gates:Missing", AttributeError, "no attribute 'Missing'"),
        ("picky_gates:other", TypeError, "other is not a subclass"),
        ("picky_gates:Outcome", TypeError, "Outcome is not a subclass"),
        ("no_such_gates:Picky", ModuleNotFoundError, "no_such_gates"),
    ],
)
def test_what_is_not_a_gate_is_an_error(project: Path, name: str, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        gate_class(named(name), project)


def test_params_that_the_class_refuses_are_an_error(project: Path) -> None:
    with pytest.raises(ValidationError, match="least"):
        load_gates(project)(named("picky_gates:Picky", lest=3))
