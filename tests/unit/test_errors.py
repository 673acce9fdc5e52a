from __future__ import annotations

import pickle

import pytest

from retrain import errors
from retrain.errors import DataError, RetrainError, SpecError, SpecProblem


def test_an_error_says_what_must_hold_what_came_and_what_to_do() -> None:
    error = DataError("every row must have a label", got="3 rows without", fix="Leave them out.")
    assert str(error) == "every row must have a label; got 3 rows without. Leave them out."
    assert (error.must, error.got, error.fix) == ("every row must have a label", "3 rows without", "Leave them out.")


@pytest.mark.parametrize(
    "error",
    [
        *(
            getattr(errors, name)("must", got="got", fix="fix")
            for name in errors.__all__
            if name not in {"SpecError", "SpecProblem"}
        ),
        SpecError("churn.yaml", [SpecProblem("data.label", "must be given", "nothing", "Add it.")]),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_is_of_one_root_and_survives_a_process_boundary(error: RetrainError) -> None:
    assert isinstance(error, RetrainError)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_spec_error_names_its_file_and_every_mistake() -> None:
    first = SpecProblem("gate[1].metric", "must be one of a, b", "'c'", "Did you mean 'b'?")
    whole = SpecProblem("", "must be a mapping", "list", "Start with `model:`.")
    error = SpecError("churn.yaml", [first, whole])
    assert str(error).splitlines() == [
        "churn.yaml: 2 mistakes",
        "  gate[1].metric: must be one of a, b; got 'c'. Did you mean 'b'?",
        "  must be a mapping; got list. Start with `model:`.",
    ]
    assert str(SpecError("churn.yaml", [first])).startswith("churn.yaml: 1 mistake\n")
