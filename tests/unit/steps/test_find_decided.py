from __future__ import annotations

import shutil

from tests.builders import LATER, World, make_origin, make_request

from retrain.steps import find_decided


def test_a_decision_on_the_same_inputs_is_found_whatever_asked(succeeded: World) -> None:
    decisions = succeeded.ledger.decisions(LATER.model, LATER.timeline)
    assert find_decided(succeeded.of(LATER)) == decisions[-1]
    assert find_decided(succeeded.of(make_request(as_of=LATER.as_of, origin=make_origin("another")))) == decisions[-1]


def test_nothing_is_found_for_another_moment_timeline_or_training(crowned: World) -> None:
    request = make_request()
    assert find_decided(crowned.of(request)) is not None
    assert find_decided(crowned.of(LATER)) is None
    assert find_decided(crowned.of(make_request(timeline="trial"))) is None
    assert find_decided(crowned.of(make_request(nonce="again"))) is None
    crowned.respec(train__seed=8)
    assert find_decided(crowned.of(request)) is None


def test_a_promotion_that_was_not_carried_out_is_work_to_do(world: World) -> None:
    decision = world.decide()
    assert decision.challenger is not None
    assert find_decided(world.of()) is None
    world.retrain()
    assert find_decided(world.of()) == decision


def test_data_that_cannot_be_read_any_more_is_work_to_do(crowned: World) -> None:
    shutil.rmtree(crowned.root / "source")
    assert find_decided(crowned.of()) is None
