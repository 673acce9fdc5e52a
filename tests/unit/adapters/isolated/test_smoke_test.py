from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import pytest
from tests.builders import World

from retrain.adapters.extensions import Trainers
from retrain.adapters.isolated.smoke_test import ChildProcessSmokeTest
from retrain.core.data.snapshot import Part, Snapshot
from retrain.errors import IntegrityError

MODULE = "rehearsed_of_the_test"
OWN = f"{MODULE}.Own"
SOURCE = """
import os, sys
from sklearn.linear_model import LogisticRegression

class Own(LogisticRegression):
    def predict_proba(self, rows):
        if "PYTEST_CURRENT_TEST" in os.environ or self.C == 1:
            return super().predict_proba(rows)
        print(rows.to_csv())
        if self.C == 2:
            raise ValueError("could not convert\\n" + rows.to_csv())
        print(rows.to_csv(), file=sys.stderr, flush=True)
        os._exit(3)

def build(*, seed, **params):
    return Own(random_state=seed, **params)
"""


def rehearse(world: World, snapshot: Snapshot | None, *, trusted: Sequence[str] = (), **changes: Any) -> int:
    folder = world.artifact(1)
    return ChildProcessSmokeTest(world.snapshots, trusted, **changes)(world.spec, folder, snapshot)


def own(world: World, *, source: str = SOURCE, **params: Any) -> Snapshot:
    """Train the project's own estimator, and take its module away: the recipe of the model has it."""
    (world.root / f"{MODULE}.py").write_text(source)
    world.respec(train__estimator=f"{MODULE}:build", train__params=params)
    world.trainer = Trainers([OWN])
    snapshot = world.snapshot()
    world.train(snapshot=snapshot)
    (world.root / f"{MODULE}.py").unlink()
    return snapshot


@pytest.fixture(autouse=True)
def _forget_the_module() -> Any:
    yield
    sys.modules.pop(MODULE, None)


@pytest.mark.integration
def test_a_sound_model_scores_the_holdout_up_to_so_many_rows(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("retrain.adapters.isolated.smoke_test._ROWS", 100)
    assert rehearse(crowned, crowned.snapshot()) == 100


@pytest.mark.integration
def test_without_a_snapshot_it_is_loaded_and_scores_nothing(crowned: World) -> None:
    assert rehearse(crowned, None) == 0


@pytest.mark.integration
def test_an_altered_model_file_is_refused(crowned: World) -> None:
    (crowned.artifact(1) / "model.skops").write_bytes(b"no model")
    with pytest.raises(IntegrityError, match=r"must load and score in a process of its own.*; got BadZipFile\."):
        rehearse(crowned, None)


@pytest.mark.integration
def test_no_answer_in_time_is_refused(crowned: World) -> None:
    with pytest.raises(IntegrityError, match="got no answer within 0 s"):
        rehearse(crowned, None, timeout=0.01)


@pytest.mark.integration
def test_an_estimator_of_the_project_is_found_and_sees_no_secret_of_the_parent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "hunter2")
    seen = world.root / "seen"
    look = f"\nif 'PYTEST_CURRENT_TEST' not in os.environ: open({str(seen)!r}, 'w').write(repr(dict(os.environ)))\n"
    snapshot = own(world, source=SOURCE + look)
    assert rehearse(world, snapshot, trusted=[OWN]) == 168
    assert "PYTHONPATH" in seen.read_text()
    assert "hunter2" not in seen.read_text()


@pytest.mark.integration
def test_a_type_that_the_platform_does_not_trust_is_refused_and_named(world: World) -> None:
    snapshot = own(world)
    with pytest.raises(IntegrityError, match=rf"got {OWN}\."):
        rehearse(world, snapshot)


@pytest.mark.integration
@pytest.mark.parametrize(("way", "got"), [(2, r"ValueError at .*\.py:\d+ while scoring"), (3, "exit status 3")])
def test_whatever_a_model_says_no_row_value_is_in_the_error(
    world: World, capfd: pytest.CaptureFixture[str], way: int, got: str
) -> None:
    snapshot = own(world, C=way)
    with pytest.raises(IntegrityError, match=got) as caught:
        rehearse(world, snapshot, trusted=[OWN])
    said = "".join(traceback.format_exception(caught.value)) + "".join(capfd.readouterr())
    rows = world.snapshots.frame(snapshot, Part.HOLDOUT, ["signal"])["signal"]
    assert not [value for value in rows if str(value)[:8] in said]
