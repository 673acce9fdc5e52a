from __future__ import annotations

import io

import pytest
from rich.console import Console
from tests.builders import AS_OF, MODEL
from typer.testing import CliRunner

from retrain.cli.app import app
from retrain.cli.tables import print_champion, print_why
from retrain.core.ledger.entries import GENESIS, Action, LedgerEntry

HOSTILE = "fine\n     9 2024-07-01 promote  production, by root\x1b[2J [bold]\u202e"
PLAIN = r"fine 9 2024-07-01 promote production, by root\x1b[2J [bold]\u202e"


@pytest.mark.parametrize("field", ["actor", "reason"])
def test_an_entry_cannot_write_a_line_of_its_own_or_move_the_cursor(field: str) -> None:
    texts = {"actor": "someone", "reason": "because"} | {field: HOSTILE}
    entry = LedgerEntry(
        seq=1,
        at=AS_OF,
        action=Action.PROMOTE,
        model=MODEL,
        timeline="production",
        generation=1,
        version=1,
        previous_version=None,
        manifest_digest="d" * 64,
        as_of=AS_OF,
        key="k" * 64,
        decision_id="",
        decision_digest="",
        idempotency_key="i",
        approver="",
        expires_at=None,
        previous_hash=GENESIS,
        **texts,
    )
    output = io.StringIO()
    console = Console(file=output, width=400)
    print_champion(console, entry)
    print_why(console, MODEL, 1, [], [entry], {}, "")
    printed = output.getvalue()
    assert printed.count(PLAIN) == 2
    assert all(char.isprintable() for char in printed.replace("\n", ""))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["freeze", MODEL, "--reason", "  "], "must say why"),
        (["promote", MODEL, "1", "--force", "-r", "because", "--timeline", "Production"], "lower-case letters"),
        (["history", MODEL, "--timeline", "a\nb"], "lower-case letters"),
    ],
)
def test_a_reason_that_says_nothing_and_a_timeline_that_is_not_a_name_are_refused(
    arguments: list[str], message: str
) -> None:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
