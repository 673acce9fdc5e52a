"""The rating of a timeline as the ledger holds it."""

from __future__ import annotations

from tests.builders import LATER, MODEL, World
from tests.rated import CHAMPION, LAST, measure_ageing_versions, record_rated
from tests.require import require

from retrain.adapters.memory_ledger import MemoryLedger
from retrain.steps import rate_timeline
from retrain.testing.evidence import make_evidence, make_scores

RATED = {"gate": [{"check": "fresh", "metric": "log_loss", "cluster_by": "day"}]}


def test_a_retrain_is_rated_over_its_own_window_and_all_before_it() -> None:
    ledger, measurements = MemoryLedger(), measure_ageing_versions()
    record_rated(ledger, MODEL, "production", measurements)
    middle = measurements[3]
    scorecard = make_evidence(make_scores(40), measurements=(middle,)).scorecard
    champions = {measurements[0].as_of: 1, middle.as_of: CHAMPION}
    summary = require(rate_timeline(scorecard, "roc_auc", CHAMPION, ledger, champions=champions))
    assert (summary.windows, summary.as_of, summary.challenger) == (4, middle.as_of, middle.challenger)
    assert [window.champion for window in summary.history] == [1, CHAMPION]
    assert middle.challenger < LAST


def test_a_retrain_without_measurements_is_not_rated_although_earlier_ones_have_some() -> None:
    ledger = MemoryLedger()
    record_rated(ledger, MODEL, "production", measure_ageing_versions())
    scorecard = make_evidence(make_scores(40)).scorecard
    assert rate_timeline(scorecard, "roc_auc", CHAMPION, ledger) is None


def test_a_report_has_the_numbers_that_the_gate_judged(world: World) -> None:
    world.respec(**RATED)
    world.retrain()
    (first,) = world.ledger.decisions(MODEL, "production")
    decision = world.decide(LATER)
    rating = world.report(decision).rating
    (verdict,) = decision.verdicts
    champion, challenger = rating.versions
    assert (verdict.method, rating.metric) == ("rating", "log_loss")
    assert (champion.version, challenger.version) == (1, 2)
    assert challenger.gain == verdict.value
    assert challenger.interval == verdict.interval
    assert world.report(first).rating is None
