from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console
from tests.builders import World

from retrain.cli.tables import print_decisions, print_why


@pytest.mark.parametrize(
    ("consulted", "words"),
    [
        (0.0, "no earlier decision used these rows"),
        (0.5, "earlier decisions used 50% of these rows"),
        (1.5, "earlier decisions used these rows 1.5 times over"),
    ],
)
def test_earlier_use_of_a_holdout_is_said_in_plain_words(crowned: World, consulted: float, words: str) -> None:
    (decision,) = crowned.ledger.decisions("churn", "production")
    output = io.StringIO()
    console = Console(file=output, width=400)
    print_why(console, "churn", 1, [replace(decision, consulted=consulted)], [], {}, "")
    assert words in output.getvalue()


def test_one_gate_is_no_plural(crowned: World) -> None:
    (decision,) = crowned.ledger.decisions("churn", "production")
    output = io.StringIO()
    one = replace(decision, verdicts=decision.verdicts[:1], decided_by=(0,))
    print_decisions(Console(file=output, width=400), [one])
    assert "the gate passes: version 1" in output.getvalue()
