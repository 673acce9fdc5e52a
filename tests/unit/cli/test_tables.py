from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console
from tests.builders import World

from retrain.cli.tables import print_decisions, print_stall, print_why
from retrain.core.policy.decision import Choice


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


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ("PHHH", "by the last 3 retrains, 2024-07-29 to 2024-09-23"),
        ("HHHHH", "by the last 5 retrains, 2024-07-01 to 2024-10-21"),
        ("PHH", ""),
        ("PHHHP", ""),
        ("HHH", ""),
        ("PHRH", "by the last 3 retrains"),
    ],
)
def test_months_without_a_promotion_are_said(crowned: World, choices: str, said: str) -> None:
    (promoted,) = crowned.ledger.decisions("churn", "production")
    kinds = {"P": Choice.PROMOTE, "H": Choice.HOLD, "R": Choice.REJECT}
    start = datetime(2024, 7, 1, tzinfo=UTC)
    decisions = [
        replace(promoted, choice=kinds[letter], as_of=start + number * timedelta(days=28))
        for number, letter in enumerate(choices)
    ]
    output = io.StringIO()
    print_stall(Console(file=output, width=400), decisions)
    assert said in output.getvalue()
    assert bool(output.getvalue()) == bool(said)


def test_one_gate_is_no_plural(crowned: World) -> None:
    (decision,) = crowned.ledger.decisions("churn", "production")
    output = io.StringIO()
    one = replace(decision, verdicts=decision.verdicts[:1], decided_by=(0,))
    print_decisions(Console(file=output, width=400), [one])
    assert "the gate passes: version 1" in output.getvalue()
