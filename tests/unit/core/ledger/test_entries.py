from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.builders import AS_OF, make_pointer

from retrain.core.ledger.entries import GENESIS, Action, Head, LedgerEntry, Move, Pointer, check_decisions
from retrain.core.ledger.replay import verify_chain
from retrain.core.ledger.rules import entry_for
from retrain.core.ledger.standing import Standing
from retrain.errors import IntegrityError


def chain(count: int = 4) -> list[LedgerEntry]:
    """Return adoptions, which rest on no decision."""
    entries: list[LedgerEntry] = []
    for number in range(1, count + 1):
        move = Move(
            action=Action.ADOPT,
            model="churn",
            timeline="production",
            version=number,
            manifest_digest="d" * 64,
            as_of=AS_OF + timedelta(days=number),
            key=f"key-{number}",
            expected_generation=number - 1,
            idempotency_key=f"adopt-{number}",
        )
        last = entries[-1] if entries else None
        entries.append(
            entry_for(move, at=AS_OF + timedelta(days=number, hours=1), head=last, standing=Standing.of(entries))
        )
    return entries


def test_an_unbroken_chain_is_counted() -> None:
    assert verify_chain([]) == Head() == Head.of(None) == Head(0, GENESIS)
    assert verify_chain(chain()) == Head.of(chain()[-1]) == Head(4, chain()[-1].hash)
    assert chain()[0].previous_hash == GENESIS


def test_a_head_is_written_and_read_as_one_text() -> None:
    head = Head.of(chain()[-1])
    assert str(head) == f"4:{chain()[-1].hash}"
    assert Head.parse(f" {head}\n") == head
    assert Head.parse(str(Head())) == Head()
    for text in (
        "",
        "4",
        "4:",
        f"x:{head.hash}",
        f"-1:{head.hash}",
        f"4:{head.hash}0",
        f"4:{head.hash.upper()}",
        "4:abc",
    ):
        with pytest.raises(ValueError, match="must be written as <number of entries>:<hash of the last one>"):
            Head.parse(text)


def test_the_head_of_a_timeline_is_over_each_of_its_entries() -> None:
    one, two, three, four = chain()
    head = Head.over([one, two, three, four])
    assert (head.count, head) == (4, Head.over([one, two, three]).advance(four))
    assert Head.over([]) == Head()
    changed = replace(two, version=9).sealed()
    for entries in (
        [one, changed, three, four],
        [two, one, three, four],
        [one, three, four],
        [one, two, two, three, four],
    ):
        assert Head.over(entries).hash != head.hash


_CHANGES: dict[str, Any] = {
    "seq": 9,
    "at": datetime(2030, 1, 1, tzinfo=UTC),
    "action": Action.REFUSE,
    "generation": 9,
    "previous_version": 9,
    "as_of": datetime(2030, 1, 1, tzinfo=UTC),
    "version": 9,
    "expires_at": datetime(2030, 1, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("field", [field.name for field in fields(LedgerEntry)])
def test_no_field_of_an_entry_can_be_edited_unseen(field: str) -> None:
    entries = chain()
    entries[1] = replace(entries[1], **{field: _CHANGES.get(field, "edited")})
    with pytest.raises(IntegrityError, match="hash chain must be unbroken; got a break at entry"):
        verify_chain(entries)


def test_an_edited_entry_with_a_fresh_hash_breaks_the_one_after_it() -> None:
    entries = chain()
    entries[1] = replace(entries[1], version=9).sealed()
    with pytest.raises(IntegrityError, match=r"a break at entry 3 \(churn, production\)"):
        verify_chain(entries)


def test_an_entry_taken_out_put_twice_or_moved_is_seen() -> None:
    one, two, three, four = chain()
    for entries in ([two, three], [one, three, four], [one, two, two, three], [two, one, three]):
        with pytest.raises(IntegrityError, match="a break at entry"):
            verify_chain(entries)


@pytest.mark.parametrize(
    ("found", "got"),
    [({}, "no decision one"), ({"one": "f" * 64}, "an edited decision one"), ({"one": "d" * 64}, None)],
)
def test_a_decision_that_an_entry_rests_on_must_be_the_one_it_was(found: dict[str, str], got: str | None) -> None:
    wanted = {"one": "d" * 64}
    if got is None:
        check_decisions(wanted, found)
    else:
        with pytest.raises(IntegrityError, match=f"got {got}\\."):
            check_decisions(wanted, found)


def test_an_entry_sets_the_pointer_that_it_says() -> None:
    entry = chain()[-1]
    pointer = entry.to_pointer()
    assert pointer == Pointer("churn", "production", 4, "d" * 64, 4, entry.as_of, "key-4")
    with pytest.raises(ValueError, match="without a generation sets no pointer"):
        replace(entry, generation=None).to_pointer()


def test_a_pointer_survives_its_json() -> None:
    pointer = make_pointer()
    assert Pointer.from_json(json.loads(json.dumps(pointer.to_json()))) == pointer
