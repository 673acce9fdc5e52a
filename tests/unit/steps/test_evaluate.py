from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import TypeAdapter
from tests.builders import (
    AS_OF,
    MODEL,
    NOT_WORSE,
    REGRESSION,
    World,
    make_origin,
    make_request,
    make_rows,
    make_spec,
    write_months,
    write_rows,
)
from tests.require import require

from retrain.adapters.isolated.scoring_meter import ChildProcessMeter
from retrain.core.data.snapshot import Part
from retrain.core.data.window import Window
from retrain.core.evaluation.resource_usage import ResourceUsage
from retrain.core.policy.decision import Choice
from retrain.core.policy.evidence import Evidence
from retrain.core.policy.gates import Gate, GateSpec, Outcome, Verdict
from retrain.core.ports import FittedModel
from retrain.core.spec import PipelineSpec
from retrain.errors import DataError, IntegrityError, TrainingError
from retrain.steps import evaluate_challenger
from retrain.steps.scoring import ScoredModel, align_scores
from retrain.steps.window_profile import profile_snapshot
from retrain.testing.evidence import make_resource_usage

MakeWorld = Callable[..., World]
LATER = AS_OF + timedelta(days=14)


def evidence_of(world: World, **changes: Any) -> Evidence:
    request = make_request(**changes)
    snapshot = world.snapshot(request)
    digest = world.evaluate(request, snapshot, world.train(request, snapshot))
    found: Evidence = world.evidence.evidence(digest)
    return found


@pytest.mark.parametrize(
    ("task", "baseline"),
    [
        ("binary", {"roc_auc": 0.5}),
        ("multiclass", {"roc_auc": 0.5}),
        ("regression", {"r2": pytest.approx(0, abs=0.05)}),
    ],
)
def test_a_first_model_meets_the_baseline_of_its_own_training_rows(
    make_world: MakeWorld, task: str, baseline: dict[str, float]
) -> None:
    slices = {} if task == "regression" else {"evaluation__slices": ["place"]}
    evidence = evidence_of(make_world(task=task, **slices))
    card = evidence.scorecard
    assert (card.opponent, card.champion, card.rows) == ("baseline", None, 168)
    assert {name: card.opponent_metrics[name] for name in baseline} == baseline
    assert evidence.scores.opponent is not None
    assert len(np.unique(evidence.scores.opponent, axis=0)) == 1
    assert {item.value for item in card.slices} == {"north", "south", "west"}
    assert sum(item.rows for item in card.slices) == 168


def test_a_regression_judged_by_mae_meets_the_median(make_world: MakeWorld) -> None:
    world = make_world(task="regression")
    evidence = evidence_of(world)
    training = world.snapshots.frame(world.snapshot(), Part.TRAIN, ["label"])["label"]
    assert evidence.scores.opponent is not None
    assert evidence.scores.opponent[0] == pytest.approx(float(training.median()))


def test_the_next_model_meets_the_champion_on_the_same_rows(crowned: World) -> None:
    crowned.respec(train__params={"C": 0.001})
    evidence = evidence_of(crowned, as_of=LATER)
    card = evidence.scorecard
    assert card.opponent == "champion"
    assert card.champion == crowned.ledger.pointer(MODEL, "production")
    assert set(card.challenger_metrics) == set(card.opponent_metrics) == {"roc_auc", "log_loss"}
    assert card.challenger_metrics["log_loss"] > card.opponent_metrics["log_loss"]


def test_the_run_gets_the_metrics_and_pictures_of_both_sides(world: World) -> None:
    def draw(scores: Any, opponent: str, title: str, folder: Path) -> list[Path]:
        path = folder / "scores.png"
        path.write_text(f"{title}: {opponent}")
        return [path]

    world.reports.draw_scores = draw
    evidence_of(world)
    (run,) = (world.root / "registry" / "runs").iterdir()
    metrics = json.loads((run / "metrics.json").read_text())
    assert set(metrics) == {"challenger.roc_auc", "challenger.log_loss", "baseline.roc_auc", "baseline.log_loss"}
    assert (run / "scores.png").read_text() == f"{MODEL} as of 2024-07-01: baseline"


def test_evaluating_twice_gives_the_same_scorecard(world: World) -> None:
    assert evidence_of(world).scorecard.digest == evidence_of(world).scorecard.digest


def test_a_class_that_only_one_side_knows_counts_against_the_other(make_world: MakeWorld) -> None:
    rows = make_rows(task="multiclass")
    rows["label"][(rows["label"] == "mid") & (rows["at"] < np.datetime64("2024-06-10"))] = "low"
    world = make_world(rows=rows, **NOT_WORSE)
    world.ledger.open_retrain(make_request())
    world.retrain(make_request(as_of=AS_OF - timedelta(days=30)))
    evidence = evidence_of(world)
    assert evidence.scores.challenger.shape == (168, 3)
    assert evidence.scores.opponent is not None
    assert evidence.scores.opponent[:, 2].max() == 0
    assert evidence.scorecard.opponent == "champion"


def test_a_retired_class_that_only_the_champion_knows_is_left_out_with_a_warning(
    make_world: MakeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    rows = make_rows(task="multiclass")
    rows["label"][(rows["label"] == "mid") & (rows["at"] > np.datetime64("2024-03-01"))] = "low"
    world = make_world(rows=rows, **NOT_WORSE)
    world.ledger.open_retrain(make_request())
    world.retrain(make_request(as_of=AS_OF - timedelta(days=91)))
    evidence = evidence_of(world)
    assert evidence.scorecard.opponent == "champion"
    assert evidence.scores.opponent is not None
    assert evidence.scores.opponent.shape == evidence.scores.challenger.shape == (168, 2)
    np.testing.assert_allclose(evidence.scores.opponent.sum(axis=1), 1)
    assert np.isfinite([evidence.challenger_metric("roc_auc"), evidence.opponent_metric("roc_auc")]).all()
    assert "No row is of 'mid', which only the champion knows: left out of the comparison." in caplog.text


def test_a_champion_that_is_certain_of_a_retired_class_knows_nothing_of_the_others() -> None:
    rows = pd.DataFrame(
        {"label": ["high", "low"], "at": np.array(["2024-06-01", "2024-06-02"], dtype="datetime64[us]")}
    )
    challenger = ScoredModel(
        FittedModel(None, ("signal",), ("high", "low"), (0.5, 0.5)), np.array([[0.9, 0.1], [0.2, 0.8]])
    )
    champion = ScoredModel(
        FittedModel(None, ("signal",), ("high", "low", "mid"), (0.3, 0.3, 0.4)),
        np.array([[0.0, 0.0, 1.0], [0.1, 0.3, 0.6]]),
    )
    scores = align_scores(make_spec(), rows, challenger, champion)
    np.testing.assert_allclose(require(scores.opponent), [[0.5, 0.5], [0.25, 0.75]])


def test_labels_of_two_kinds_are_refused(crowned: World) -> None:
    for file in (crowned.root / "source").iterdir():
        file.unlink()
    write_rows(crowned.root / "source", make_rows(days=220, task="multiclass"))
    with pytest.raises(DataError, match="must be of one type; got int, str"):
        evidence_of(crowned, as_of=LATER)


@pytest.mark.parametrize(("value", "message"), [(np.nan, "got 1 rows without"), (np.inf, "be finite; got an infinity")])
def test_a_holdout_label_that_is_no_number_is_refused(make_world: MakeWorld, value: float, message: str) -> None:
    rows = make_rows(task="regression")
    rows["label"][int(np.searchsorted(rows["at"], np.datetime64("2024-06-15")))] = value
    world = make_world(task="regression", rows=rows)
    with pytest.raises(DataError, match=f"every holdout (row|label) must .*{message}"):
        evidence_of(world)


def test_a_slice_value_that_is_missing_is_a_slice_of_its_own(make_world: MakeWorld) -> None:
    rows = make_rows()
    rows["place"][::7] = None
    gates = [{"check": "beats_champion", "metric": "roc_auc", "cluster_by": "place", "resamples": 200}]
    world = make_world(rows=rows, gate=gates, evaluation__slices=["place"])
    card = evidence_of(world).scorecard
    assert len(card.slices) == 4
    decision = world.decide()
    assert "at least 8 clusters; got 4" in decision.verdicts[0].reason


# A champion that cannot be met is HOLD, whatever the challenger is


def _lost(world: World) -> None:
    shutil.rmtree(world.artifact(1))


def _altered(world: World) -> None:
    path = world.artifact(1) / "model.skops"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _without_code(world: World) -> None:
    (world.artifact(1) / "loader.py").write_text("raise SystemExit")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (_lost, "must exist"),
        (_altered, "must have the manifest digest"),
        (_without_code, "must have the manifest digest"),
    ],
)
def test_a_lost_or_altered_champion_is_a_hold(crowned: World, harm: Callable[[World], None], why: str) -> None:
    champion = crowned.ledger.pointer(MODEL, "production")
    harm(crowned)
    decision = crowned.decide(make_request(as_of=LATER, origin=make_origin("later")))
    assert decision.choice is Choice.HOLD
    assert "the champion (version 1) cannot be loaded" in decision.reason
    assert why in decision.reason
    assert (decision.opponent, decision.opponent_value) == (None, None)
    assert {verdict.outcome for verdict in decision.verdicts} == {Outcome.PASS, Outcome.INCONCLUSIVE}
    assert crowned.ledger.pointer(MODEL, "production") == champion


def test_a_champion_whose_column_is_gone_is_a_hold(crowned: World) -> None:
    rows = make_rows()
    del rows["other"]
    for file in (crowned.root / "source").iterdir():
        file.unlink()
    write_months(crowned.root / "source", rows)
    crowned.respec(data__features=["signal"])
    decision = crowned.decide(make_request(as_of=LATER, origin=make_origin("later")))
    assert decision.choice is Choice.HOLD
    assert "the champion (version 1) cannot be scored: the data no longer has the column other" in decision.reason


def test_a_champion_with_other_features_of_the_same_data_is_met(crowned: World) -> None:
    crowned.respec(data__features=["signal"])
    card = evidence_of(crowned, as_of=LATER).scorecard
    assert card.opponent == "champion"


def test_a_champion_of_another_task_is_a_hold(crowned: World) -> None:
    crowned.respec(**REGRESSION)
    decision = crowned.decide(make_request(as_of=LATER, origin=make_origin("later")))
    assert decision.choice is Choice.HOLD
    assert "the champion (version 1) cannot be compared: one is a classifier, the other a regression" in decision.reason


def test_a_champion_that_fails_on_the_new_rows_is_a_hold(crowned: World, monkeypatch: pytest.MonkeyPatch) -> None:
    request = make_request(as_of=LATER, origin=make_origin("later"))
    score = crowned.trainer.score

    def fail_on_the_champion(model: Any, rows: Any) -> Any:
        if model.estimator.C == 1.0:
            raise TrainingError("a fitted estimator must score rows", got="ValueError", fix="Fix it.")
        return score(model, rows)

    crowned.respec(train__params={"C": 2.0})
    monkeypatch.setattr(crowned.trainer, "score", fail_on_the_champion)
    decision = crowned.decide(request)
    assert decision.choice is Choice.HOLD
    assert "the champion (version 1) cannot be scored: a fitted estimator must score rows" in decision.reason


def test_an_altered_challenger_is_refused_before_it_is_loaded(world: World) -> None:
    request = make_request()
    snapshot = world.snapshot(request)
    challenger = world.train(request, snapshot)
    _altered(world)
    with pytest.raises(IntegrityError, match="must have the manifest digest"):
        world.evaluate(request, snapshot, challenger)


# No row that the champion was trained on


def test_rows_that_the_champion_was_trained_on_are_cut_away_and_counted(crowned: World) -> None:
    trained_until = np.datetime64((AS_OF - timedelta(days=29)).replace(tzinfo=None))
    crowned.respec(data__window={"train": "60d", "holdout": "60d"})
    found = evidence_of(crowned, as_of=LATER)
    card = found.scorecard
    assert card.opponent == "champion"
    assert (
        card.dropped_rows == 18 * 6
    )  # the holdout begins 47 days before the champion's as-of, its last training label was known 29 days before
    assert card.rows == len(found.scores.y) == 60 * 6 - card.dropped_rows
    assert found.scores.event_time.min() == trained_until


def test_where_too_few_rows_are_left_there_is_no_comparison(crowned: World) -> None:
    crowned.respec(data__window={"train": "60d", "holdout": "60d"}, data__min_rows=300)
    card = evidence_of(crowned, as_of=LATER).scorecard
    assert (card.opponent, card.dropped_rows, card.rows) == (None, 0, 360)
    assert card.why_no_opponent == (
        "the champion (version 1) cannot be compared: its training covers all but 252 of the 360 holdout rows, which are too few"
    )


def test_the_same_windows_share_no_row_with_the_champions_training(crowned: World) -> None:
    assert evidence_of(crowned, as_of=LATER).scorecard.dropped_rows == 0


@pytest.mark.parametrize(("purged", "days"), [(True, 0), (False, 6)])
def test_the_time_that_decided_the_labels_of_the_champion_is_cut_away(
    make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch, purged: bool, days: int
) -> None:
    world = make_world(data__label_delay="20d", data__window={"train": "60d", "holdout": "16d"})
    find_window = PipelineSpec.window_at

    def train_up_to_the_holdout(spec: PipelineSpec, as_of: datetime) -> Window:
        window = find_window(spec, as_of)
        return replace(window, train_end=window.holdout_start)

    with monkeypatch.context() as patch:
        if not purged:  # as versions did whose champions live on
            patch.setattr(PipelineSpec, "window_at", train_up_to_the_holdout)
        world.retrain()
    card = evidence_of(world, as_of=LATER).scorecard
    assert (card.opponent, card.dropped_rows) == ("champion", days * 6)


def test_after_a_rollback_the_rows_are_cut_that_the_champion_of_now_was_trained_on(succeeded: World) -> None:
    later = {"train": "60d", "holdout": "60d"}
    succeeded.respec(data__window=later)
    latest = evidence_of(succeeded, as_of=LATER + timedelta(days=4)).scorecard
    succeeded.roll_back()
    back = evidence_of(succeeded, as_of=LATER + timedelta(days=4), nonce="again").scorecard
    assert latest.champion is not None
    assert back.champion is not None
    assert (latest.champion.version, back.champion.version) == (2, 1)
    # The first champion's training ended 14 days before the second's.
    assert latest.dropped_rows - back.dropped_rows == 14 * 6


# No row that was not known


@pytest.mark.parametrize("days", [1, 10])
def test_no_row_is_compared_whose_label_was_not_known_at_as_of(make_world: MakeWorld, days: int) -> None:
    world = make_world(data__label_delay=f"{days}d")
    world.retrain()
    times = evidence_of(world, as_of=LATER).scores.event_time
    known = times + np.timedelta64(days, "D")
    as_of = np.datetime64(LATER.replace(tzinfo=None))
    assert known.max() < as_of
    assert as_of - known.max() <= np.timedelta64(4, "h")  # and the last one that was is there


def test_a_row_that_came_late_is_compared_by_the_first_retrain_that_knew_it(make_world: MakeWorld) -> None:
    rows = make_rows()
    late = np.arange(len(rows["at"])) % 3 == 0
    arrival = np.datetime64((AS_OF + timedelta(days=3)).replace(tzinfo=None), "us")
    rows["known"] = np.where(late, np.maximum(rows["at"], arrival), rows["at"])
    world = make_world(rows=rows, data__ingestion_time="known")
    world.retrain()
    before, after = (evidence_of(world, as_of=AS_OF + timedelta(days=day)) for day in (2, 4))
    arrived = dict(zip(rows["at"], rows["known"], strict=True))
    assert all(arrived[time] <= np.datetime64("2024-07-03") for time in before.scores.event_time)
    assert (before.scorecard.rows, after.scorecard.rows) == (28 * 6 * 2 // 3, 28 * 6)


# What gates read beside scores


def window_with(make_world: MakeWorld, gate: dict[str, Any], columns: dict[str, Any], **changes: Any) -> Evidence:
    """Return the evidence of a window with more columns, which the model learns from as well."""
    features = ["signal", "other", *columns]
    rows = make_rows() | columns
    policy = {"data__features": features, "train__estimator": "tests.estimators:build_tree", "gate": [gate]}
    return evidence_of(make_world(rows=rows, **(policy | changes)))


def judge(evidence: Evidence, gate: dict[str, Any]) -> Verdict:
    found: Gate = TypeAdapter(GateSpec).validate_python(gate)
    return found.judge(evidence)


LEAKAGE = {"check": "leakage"}
POPULATION = {"check": "population", "max_distance": 0.3, "if_drifted": "reject"}
CALM = np.random.default_rng(3)
ROWS = make_rows()


def test_a_clean_window_passes(make_world: MakeWorld) -> None:
    evidence = window_with(make_world, LEAKAGE, {"place": ROWS["place"]})
    leakage, population = judge(evidence, LEAKAGE), judge(evidence, POPULATION)
    assert (leakage.outcome, population.outcome) == (Outcome.PASS, Outcome.PASS)
    assert leakage.reason.startswith("no sign of a leak: the highest univariate AUC is")
    profile = evidence.scorecard.profile
    assert profile is not None
    assert (profile.train_rows, profile.holdout_rows, profile.duplicates) == (540, 168, 0)
    assert [feature.column for feature in profile.features] == ["signal", "other", "place"]


def test_a_feature_that_is_the_label_and_some_noise_is_caught(make_world: MakeWorld) -> None:
    noisy = ROWS["label"] + CALM.normal(size=len(ROWS["label"])) / 8
    verdict = judge(window_with(make_world, LEAKAGE, {"refund": noisy}), LEAKAGE)
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("refund alone predicts the label")


def test_a_category_that_tells_the_label_is_caught(make_world: MakeWorld) -> None:
    status = np.array(["open", "closed"], dtype=object)[ROWS["label"]]
    verdict = judge(window_with(make_world, LEAKAGE, {"status": status}), LEAKAGE)
    assert verdict.reason.startswith("status alone predicts the label: univariate AUC 1.000, above the maximum of 0.99")


def test_a_value_that_is_only_there_for_one_class_is_caught(make_world: MakeWorld) -> None:
    closed = np.where(ROWS["label"] == 1, CALM.normal(size=len(ROWS["label"])), np.nan)
    verdict = judge(window_with(make_world, LEAKAGE, {"closed": closed}), LEAKAGE)
    assert verdict.reason.startswith("closed alone predicts the label: univariate AUC 1.000, above the maximum of 0.99")


def test_holdout_rows_that_were_trained_on_are_counted(make_world: MakeWorld) -> None:
    train = np.searchsorted(ROWS["at"], np.datetime64("2024-04-01"))
    holdout = np.searchsorted(ROWS["at"], np.datetime64("2024-06-15"))
    twins = make_rows()
    for name in ("signal", "other", "label"):
        twins[name][holdout : holdout + 7] = twins[name][train : train + 7]
    evidence = evidence_of(make_world(rows=twins, gate=[LEAKAGE]))
    assert evidence.scorecard.profile is not None
    assert evidence.scorecard.profile.duplicates == 7
    assert judge(evidence, LEAKAGE).reason.startswith(
        "4.17% of the holdout rows equal a training row, label included, above the maximum of 1.00%"
    )


@pytest.mark.parametrize("zone", [None, "America/New_York"])
def test_an_instant_after_as_of_is_named(make_world: MakeWorld, zone: str | None) -> None:
    import pyarrow as pa

    # The last three rows of the holdout were closed after as-of, midnight of 1 July in UTC.
    last = int(np.searchsorted(ROWS["at"], np.datetime64("2024-06-30")))
    closed = ROWS["at"].copy()
    closed[last - 3 : last] = np.datetime64("2024-07-01T00:00:01")
    closed[last - 4] = np.datetime64("2024-07-01T00:00:00")
    column = pa.array(closed).cast(pa.timestamp("us", tz="UTC")).cast(pa.timestamp("us", tz=zone)) if zone else closed
    rows = make_rows() | {"closed_at": closed}
    world = make_world(rows=rows, data__features=["signal", "other"], gate=[LEAKAGE])
    if zone:
        for file in (world.root / "source").iterdir():
            file.unlink()
        write_rows(world.root / "source", make_rows() | {"closed_at": column})
    snapshot = world.snapshot()
    world.respec(data__features=["signal", "other", "closed_at"])
    profile = profile_snapshot(world.spec, snapshot, world.snapshots)
    assert {feature.column: feature.late for feature in profile.features} == {"signal": 0, "other": 0, "closed_at": 3}


def test_a_holdout_of_another_population_is_named(make_world: MakeWorld) -> None:
    moved = np.where(ROWS["at"] >= np.datetime64("2024-06-01"), 5.0, 0.0) + CALM.normal(size=len(ROWS["at"]))
    shop = np.where(ROWS["at"] >= np.datetime64("2024-06-20"), "new", "old").astype(object)
    evidence = window_with(make_world, POPULATION, {"moved": moved, "shop": shop})
    verdict = judge(evidence, POPULATION | {"max_unseen": 1})
    assert verdict.outcome is Outcome.FAIL
    assert verdict.reason.startswith("moved drifted by 0.")
    assert verdict.value is not None
    assert verdict.value > 0.6
    assert "have a shop that the training range lacks" in judge(evidence, POPULATION).reason
    assert judge(evidence, POPULATION | {"ignore": ["moved", "shop"]}).outcome is Outcome.PASS


def test_a_column_that_belongs_to_the_day_has_a_higher_noise_floor(make_world: MakeWorld) -> None:
    days = np.unique(ROWS["at"].astype("datetime64[D]"), return_inverse=True)[1]
    weather = np.random.default_rng(3).normal(size=days.max() + 1)[days]
    profile = window_with(make_world, POPULATION, {"weather": weather}).scorecard.profile
    assert profile is not None
    floors = {feature.column: feature.noise_floor for feature in profile.features}
    assert floors["weather"] > 1.2 * floors["signal"]


def test_a_regression_has_a_profile_too(make_world: MakeWorld) -> None:
    evidence = evidence_of(make_world(task="regression", gate=[LEAKAGE | {"max_strength": 0.8}]))
    verdict = judge(evidence, LEAKAGE | {"max_strength": 0.8})
    assert verdict.reason.startswith("signal alone predicts the label: rank correlation 0.8")


def test_what_no_gate_asks_for_is_not_measured(world: World) -> None:
    world.meter = None
    card = evidence_of(world).scorecard
    assert (card.profile, card.resource_usage, card.resource_usage_problem) == (None, None, "")


def test_what_gates_ask_for_is_measured_before_the_turn(make_world: MakeWorld) -> None:
    world = make_world(gate=[{"check": "budget", "batch_p99": "1s", "batch_rows": 50}])
    events: list[object] = []

    def measure(spec: object, folder: object, snapshot: object, batches: object) -> ResourceUsage:
        events.append(batches)
        return make_resource_usage()

    world.meter = measure
    request, snapshot = make_request(), world.snapshot()
    challenger = world.train(request, snapshot)
    evaluate_challenger(world.of(request), snapshot, challenger, await_turn=lambda: events.append("turn"))
    assert events == [(50,), "turn"]


BUDGET = {"check": "budget", "single_p99": "10s", "batch_p99": "10s", "batch_rows": 50, "size": "5MB", "memory": "2GB"}


@pytest.mark.integration
def test_a_budget_is_measured_of_the_stored_model(make_world: MakeWorld) -> None:
    evidence = evidence_of(make_world(gate=[BUDGET]))
    resource_usage = evidence.scorecard.resource_usage
    assert resource_usage is not None
    assert [latency.rows for latency in resource_usage.latencies] == [1, 50]
    assert judge(evidence, BUDGET).outcome is Outcome.PASS
    assert judge(evidence, BUDGET | {"size": "1KB"}).reason.startswith("size is ")
    assert judge(evidence, BUDGET | {"batch_rows": 60}).outcome is Outcome.INCONCLUSIVE


@pytest.mark.integration
def test_a_model_that_cannot_be_measured_holds(make_world: MakeWorld) -> None:
    world = make_world(gate=[BUDGET])
    world.meter = ChildProcessMeter(world.snapshots, (), timeout=0.01)
    evidence = evidence_of(world)
    assert evidence.scorecard.resource_usage is None
    verdict = judge(evidence, BUDGET)
    assert verdict.outcome is Outcome.INCONCLUSIVE
    assert "got no answer within 0 s" in verdict.reason
