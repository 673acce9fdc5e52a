from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, make_request, make_spec

from retrain.core.request import default_timeline


@pytest.mark.parametrize(
    "changes",
    [{"model": "other"}, {"timeline": "other"}, {"as_of": AS_OF + timedelta(1)}, {"origin": "other"}, {"nonce": "1"}],
)
def test_each_part_of_what_was_asked_makes_another_attempt(changes: dict[str, Any]) -> None:
    assert make_request(**changes).id != make_request().id


def test_who_asked_and_why_makes_no_other_attempt() -> None:
    assert make_request(actor="someone", reason="because").id == make_request().id


def test_a_run_goes_to_production_and_a_backfill_to_a_simulation_of_its_very_spec() -> None:
    spec, other = make_spec(), make_spec(data__min_rows=60)
    assert default_timeline(spec, backfill=False) == "production"
    assert default_timeline(spec, backfill=True) == f"simulation-{spec.digest[:12]}"
    assert default_timeline(spec, backfill=True) == default_timeline(make_spec(), backfill=True)
    assert default_timeline(other, backfill=True) != default_timeline(spec, backfill=True)
