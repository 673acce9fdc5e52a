"""The pause after an outage."""

from __future__ import annotations

import pytest

from retrain.api.breaker import Breaker
from retrain.errors import NotFoundError, OutageError


def fail(breaker: Breaker, kind: type[NotFoundError | OutageError]) -> str:
    with pytest.raises(kind) as caught, breaker.watch_call():
        raise kind("it must answer", got="silence", fix="Wait.")
    return str(caught.value.got)


def test_after_an_outage_nobody_asks_for_a_while() -> None:
    breaker = Breaker("the shop", pause=3600)
    assert fail(breaker, OutageError) == "silence"
    assert fail(breaker, OutageError) == "no answer a moment ago"


def test_after_the_pause_one_tries_and_the_others_are_refused_until_it_knows() -> None:
    breaker = Breaker("the shop", pause=0)
    fail(breaker, OutageError)
    breaker._pause = 3600
    with breaker.watch_call():
        assert fail(breaker, OutageError) == "no answer a moment ago"
    with breaker.watch_call(), breaker.watch_call():
        pass


def test_a_refusal_is_an_answer() -> None:
    breaker = Breaker("the shop", pause=0)
    fail(breaker, OutageError)
    assert fail(breaker, NotFoundError) == "silence"
    breaker._pause = 3600
    with breaker.watch_call(), breaker.watch_call():
        pass
