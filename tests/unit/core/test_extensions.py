"""Extension points, on packages that are really on the path: a folder with its metadata each."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from tests.builders import make_spec, spec_document
from tests.packages import package_folder

from retrain.core.extensions import (
    Extended,
    ExtensionName,
    ExtensionPoint,
    installed_names,
    load_extension,
)
from retrain.core.policy.gates import Installed, Outcome
from retrain.core.spec import PipelineSpec, parse_spec, spec_json_schema
from retrain.core.stats.metric_names import GREATER_IS_BETTER, metrics_for
from retrain.core.stats.metrics import METRICS
from retrain.core.training.key import compute_retrain_key
from retrain.errors import DataError, InstallError, SpecError
from retrain.testing import make_evidence, make_scores

Install = Callable[..., None]

CODE = """
from typing import Literal
from retrain.gates import Gate, Outcome, Verdict
from retrain.metrics import AdditiveMetric, InstalledMetric

class Picky(Gate):
    check: Literal["picky"] = "picky"
    max: float

    def judge(self, evidence):
        return Verdict("picky", Outcome.PASS, "fine")

def fail(y, scores):
    raise KeyError("a row value")

ROWS = InstalledMetric(AdditiveMetric(lambda y, s: len(y), None, None), task="regression", greater_is_better=True)
FAILING = InstalledMetric(AdditiveMetric(fail, None, None), task="classification", greater_is_better=False)
NOT_A_METRIC = 7
"""


@pytest.fixture
def install(tmp_path: Path) -> Iterator[Install]:
    """Put a package with entry points on the path."""
    with package_folder(tmp_path) as packages:

        def add(name: str, code: str = CODE, **groups: dict[str, str]) -> None:
            packages.install(name, code, **groups)

        yield add


def test_names_are_listed_without_an_import(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky", "also": "acme:Picky"}, metrics={"rows": "acme:ROWS"})
    assert installed_names(ExtensionPoint.GATES) == ("also", "picky")
    assert installed_names(ExtensionPoint.METRICS) == ("rows",)
    assert installed_names(ExtensionPoint.TRAINERS) == ()
    assert "acme" not in sys.modules


def test_a_name_that_could_not_stand_in_a_path_is_not_offered(install: Install) -> None:
    install("acme", gates={"../up": "acme:Picky", "UPPER": "acme:Picky", "good": "acme:Picky"})
    assert installed_names(ExtensionPoint.GATES) == ("good",)


def test_an_extension_is_loaded_by_its_name(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"})
    assert load_extension(ExtensionPoint.GATES, "picky").__name__ == "Picky"


def test_what_nobody_or_two_packages_offer_cannot_be_loaded(install: Install) -> None:
    with pytest.raises(InstallError, match=r"exactly one installed package must offer 'picky'.*got none"):
        load_extension(ExtensionPoint.GATES, "picky")
    install("acme", gates={"picky": "acme:Picky"})
    install("acme_twin", gates={"picky": "acme_twin:Picky"})
    with pytest.raises(InstallError, match=r"got acme(_twin)?, acme(_twin)?\. Uninstall all but one"):
        load_extension(ExtensionPoint.GATES, "picky")


@pytest.mark.parametrize(
    ("code", "got"), [("import no_such_library", "ModuleNotFoundError"), ("Other = 1", "AttributeError")]
)
def test_an_extension_that_cannot_be_imported_says_why(install: Install, code: str, got: str) -> None:
    install("acme", code, gates={"picky": "acme:Picky"})
    with pytest.raises(InstallError, match=f"acme:Picky, which offers 'picky' in retrain.gates.*got {got}"):
        load_extension(ExtensionPoint.GATES, "picky")


def test_a_built_in_value_wins_and_installed_ones_are_loaded_once(install: Install) -> None:
    install("acme", metrics={"rows": "acme:ROWS", "mae": "acme:ROWS"})
    loaded: list[str] = []

    def load(name: str) -> str:
        loaded.append(name)
        return name

    table = Extended({"mae": "built in"}, ExtensionPoint.METRICS, load)
    assert (table["mae"], table["rows"], table["rows"]) == ("built in", "rows", "rows")
    assert loaded == ["rows"]
    assert (list(table), len(table)) == (["mae", "rows"], 2)
    assert table.get("missing") is None


def test_known_names_begin_with_the_built_in_ones(install: Install) -> None:
    install("acme", trainers={"ridge": "acme:Ridge", "sklearn": "acme:Ridge"})
    assert ExtensionName(ExtensionPoint.TRAINERS, ("sklearn",)).known == ("sklearn", "ridge")


# In a spec


def test_a_spec_names_what_is_installed(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"}, trainers={"ridge": "acme:Ridge"}, metrics={"rows": "acme:ROWS"})
    spec = make_spec(
        train__trainer="ridge",
        gate=[{"check": "picky", "max": 3, "reads": ["place"]}],
        evaluation={"task": "regression", "primary": "rows", "metrics": ["rows", "mae"]},
    )
    (gate,) = spec.gate
    assert isinstance(gate, Installed)
    assert (gate.fields, gate.columns, gate.fields_path) == ({"max": 3}, ("place",), "")
    assert spec.score_columns == ("place",)
    assert PipelineSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert "acme" not in sys.modules


def test_the_fields_of_an_installed_gate_must_be_storable(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"})
    with pytest.raises(ValueError, match="finite numbers"):
        make_spec(gate=[{"check": "picky", "max": float("nan")}])


def test_a_mistyped_name_has_a_hint(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"}, metrics={"rows": "acme:ROWS"})
    document = spec_document(
        gate=[{"check": "pickyy"}, {"check": 3}, {}], train__search={"params": {"a": {"int": [1, 2]}}, "metric": "rowz"}
    )
    with pytest.raises(SpecError) as error:
        parse_spec(yaml.safe_dump(document))
    assert "gate[0].check: must name a gate; got 'pickyy'. Did you mean 'picky'?" in str(error.value)
    assert "train.search.metric: must be one of" in str(error.value)
    assert "gate[2].check: must name a gate; got 'nothing'. Add `check:`." in str(error.value)


def test_a_search_may_have_an_installed_metric_and_no_built_in_one_of_another_task(install: Install) -> None:
    install("acme", metrics={"rows": "acme:ROWS"})
    search = {"params": {"a": {"int": [1, 2]}}}
    assert make_spec(train__search=search | {"metric": "rows"}).train.search is not None
    with pytest.raises(ValueError, match="must be a metric of classification"):
        make_spec(train__search=search | {"metric": "mae"})


def test_the_schema_has_installed_gates_only_if_there_are_some(install: Install) -> None:
    assert "Installed" not in spec_json_schema()["$defs"]
    install("acme", gates={"picky": "acme:Picky"})
    schema = spec_json_schema()
    assert schema["$defs"]["Installed"]["properties"]["check"]["enum"] == ["picky"]
    assert schema["properties"]["gate"]["items"]["discriminator"]["mapping"]["picky"] == "#/$defs/Installed"


def test_the_key_changes_with_the_trainer_and_an_old_spec_keeps_its_digest(install: Install) -> None:
    inputs = {"snapshot": "s", "code": "c", "lock": "l"}
    plain = make_spec()
    assert {"trainer", "validator", "reader"}.isdisjoint(
        {*plain.train.model_dump(), *plain.validation.model_dump(), *plain.data.model_dump()}
    )
    install("acme", trainers={"ridge": "acme:Ridge"}, sources={"lines": "acme:Lines"})
    assert make_spec(train__trainer="sklearn").digest == plain.digest
    other = make_spec(train__trainer="ridge")
    assert other.digest != plain.digest
    assert compute_retrain_key(other, **inputs) != compute_retrain_key(plain, **inputs)
    assert make_spec(data__reader="lines").digest != plain.digest


# Gates and metrics


def test_an_installed_gate_cannot_judge_alone(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"})
    gate = Installed.model_validate({"check": "picky", "max": 1})
    verdict = gate.judge(make_evidence(make_scores()))
    assert (verdict.check, verdict.outcome, verdict.reason) == (
        "picky",
        Outcome.INCONCLUSIVE,
        "the gate's class was not loaded; judge it with `judge_by`",
    )


def test_an_installed_gate_that_cannot_be_loaded_is_inconclusive(install: Install) -> None:
    install("acme", gates={"picky": "acme:Picky"})
    gate = Installed.model_validate({"check": "picky", "max": 1})

    def load(_: object) -> None:
        raise InstallError("must", got="nothing", fix="Install it.")

    verdict = gate.judge_by(load, make_evidence(make_scores()))  # type: ignore[arg-type]
    assert (verdict.outcome, verdict.reason) == (
        Outcome.INCONCLUSIVE,
        "retrain.gates: picky raised InstallError; test it with `retrain.testing.check_gate`",
    )


def test_an_installed_metric_has_a_value_and_a_direction(install: Install) -> None:
    install("acme", metrics={"counted": "acme:ROWS"})
    y = np.arange(5.0)
    assert METRICS["counted"].value(y, y) == 5
    assert GREATER_IS_BETTER["counted"] is True
    assert "counted" in metrics_for("regression")


def test_an_installed_metric_is_resampled_by_its_own_resampler(install: Install) -> None:
    sums = "lambda y, s: len(y), lambda y, s: (y + s)[:, None], lambda sums: sums[:, 0]"
    install("acme", CODE.replace("lambda y, s: len(y), None, None", sums), metrics={"summed": "acme:ROWS"})
    y, scores = np.array([1.0, 2.0, 4.0]), np.array([0.0, 0.0, 2.0])
    resample = METRICS["summed"].resampler(y, scores, np.array([0, 0, 1]))
    assert list(resample(np.array([[1.0, 1.0], [0.0, 2.0]]))) == [9, 12]


def test_an_installed_metric_refuses_scores_of_another_task(install: Install) -> None:
    install("acme", metrics={"for_numbers": "acme:ROWS"})
    scores = make_scores()
    with pytest.raises(DataError, match="metrics of a classification; got a metric of a regression"):
        METRICS["for_numbers"].value(scores.y, scores.challenger)
    with pytest.raises(DataError, match="metrics of a classification"):
        METRICS["for_numbers"].resampler(scores.y, scores.challenger, scores.y.astype(np.int64))


def test_an_installed_metric_that_fails_tells_no_row_value(install: Install) -> None:
    install("acme", metrics={"failing": "acme:FAILING"})
    scores = make_scores()
    with pytest.raises(DataError, match="got KeyError") as error:
        METRICS["failing"].value(scores.y, scores.challenger)
    assert "a row value" not in str(error.value)


def test_what_is_not_a_metric_is_refused(install: Install) -> None:
    install("acme", metrics={"seven": "acme:NOT_A_METRIC"})
    with pytest.raises(InstallError, match=r"must be a retrain\.metrics\.InstalledMetric; got int"):
        METRICS["seven"]
    with pytest.raises(InstallError, match="must say whether greater is better; got None"):
        GREATER_IS_BETTER["seven"]
