"""`retrain ledger verify` against heads and exports that were kept elsewhere."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contracts.ledger.moves import promote, promotion, rewrite
from typer.testing import CliRunner, Result

from retrain.adapters.sql_ledger import SqlLedger, sqlite_url
from retrain.cli.app import app
from retrain.core.ledger.entries import Action, Head


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A state folder whose ledger has two promotions and a freeze, and an export of it."""
    ledger = open_ledger(tmp_path)
    promote(ledger, 1)
    promote(ledger, 2)
    ledger.append(promotion(2, 2, action=Action.FREEZE, idempotency_key="freeze"))
    assert run(tmp_path, "export", str(tmp_path / "kept.jsonl")).exit_code == 0
    return tmp_path


def open_ledger(home: Path) -> SqlLedger:
    return SqlLedger.open(sqlite_url(str(home / "ledger.db")))


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["--home", str(home), "ledger", *arguments])


def verify(home: Path, *arguments: str) -> str:
    """Return what a verification prints that finds nothing."""
    result = run(home, "verify", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def problem(home: Path, *arguments: str) -> str:
    """Return the error of a verification."""
    result = run(home, "verify", *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    return result.output


def edit(home: Path, *statements: str) -> None:
    with closing(sqlite3.connect(home / "ledger.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_it_prints_count_and_head_which_it_goes_on_from(home: Path) -> None:
    ledger = open_ledger(home)
    head = Head.of(ledger.entries()[-1])
    assert verify(home) == f"5 entries, chain intact\nhead {head}\n"
    promote(ledger, 1, model="other", idempotency_key="other")
    last = Head.of(ledger.entries()[-1])
    for since in (str(head), f"head {head}"):
        assert verify(home, "--since", since) == f"7 entries, chain intact\nhead {last}\n"


@pytest.mark.parametrize("head", [f"4:{'f' * 64}", f"99:{'f' * 64}", f"0:{'f' * 64}"])
def test_a_head_that_the_ledger_never_had_is_an_error(home: Path, head: str) -> None:
    count = head.partition(":")[0]
    assert f"entry {count} of the ledger must have the hash of the given head" in problem(home, "--since", head)


@pytest.mark.parametrize("text", ["yesterday", "5", f"5:{'g' * 64}", "head "])
def test_a_since_that_is_not_a_head_is_an_error(home: Path, text: str) -> None:
    assert "--since must be a head of the ledger, or an export of it; got another text" in problem(
        home, "--since", text
    )


@pytest.mark.parametrize("kind", ["export", "head", "output of verify"])
def test_a_ledger_that_begins_with_what_was_kept_is_found_intact(home: Path, kind: str) -> None:
    kept = home / "kept.jsonl"
    if kind != "export":
        kept.write_text(verify(home) if kind == "output of verify" else str(open_ledger(home).verify()))
    assert verify(home, "--against", str(kept)).startswith("5 entries, chain intact")
    promote(open_ledger(home), 1, model="other", idempotency_key="other")
    assert verify(home, "--against", str(kept)).startswith("7 entries, chain intact")


@pytest.mark.parametrize("kind", ["export", "head"])
@pytest.mark.parametrize("then", ["rewritten", "shorter"])
def test_a_ledger_that_was_rewritten_as_a_whole_shows_by_what_was_kept(home: Path, kind: str, then: str) -> None:
    kept, ledger = home / "kept.jsonl", open_ledger(home)
    if kind == "head":
        kept.write_text(str(ledger.verify()))
    entries = ledger.entries()
    if then == "rewritten":
        entries[4] = replace(entries[4], reason="another")
    rewrite(sqlite_url(str(home / "ledger.db")), entries if then == "rewritten" else entries[:-1])
    verify(home)  # by itself it looks intact
    text = problem(home, "--against", str(kept))
    assert "the ledger must begin with the entries that were kept elsewhere; got another entry 5, or none" in text


def test_an_entry_that_was_edited_before_the_head_shows_by_an_export(home: Path) -> None:
    head = str(open_ledger(home).verify())
    edit(home, "UPDATE ledger SET reason = 'another' WHERE seq = 3")
    verify(home, "--since", head)
    assert "got another entry 3, or none" in problem(home, "--since", head, "--against", str(home / "kept.jsonl"))
    assert "a break at entry 3" in problem(home)


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"", "an empty file"),
        (b" \n\n", "an empty file"),
        (b"yesterday", "another text"),
        (b"[]", "another text"),
        (b"\xff\xfe{", "a file that is not text, or cannot be read"),
        (b"{}", "line 1, which is not an entry"),
        (b'{"seq": 1}', "line 1, which is not an entry"),
        (b"{cut off", "line 1, which is not an entry"),
    ],
)
def test_a_file_that_holds_something_else_is_an_error(home: Path, content: bytes, got: str) -> None:
    file = home / "kept"
    file.write_bytes(content)
    text = problem(home, "--against", str(file))
    assert f"{file} must be a head of the ledger, or an export of it; got {got}" in text


@pytest.mark.parametrize("line", ["[]", "3", "null", '{"seq": 3}', "", '{"seq'])
def test_an_export_with_a_line_of_something_else_is_an_error(home: Path, line: str) -> None:
    file = home / "kept.jsonl"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:2], line, *lines[3:]]))
    assert "got line 3, which is not an entry" in problem(home, "--against", str(file))


def test_an_export_that_was_edited_is_not_the_ledgers(home: Path) -> None:
    file = home / "kept.jsonl"
    lines = file.read_text().splitlines()
    lines[1] = json.dumps(json.loads(lines[1]) | {"hash": "f" * 64})
    file.write_text("\n".join(lines))
    assert "got another entry 2, or none" in problem(home, "--against", str(file))


def test_a_file_that_is_not_there_is_refused_before_anything_is_read(home: Path) -> None:
    for path in (home / "nowhere", home):
        assert run(home, "verify", "--against", str(path)).exit_code == 2
