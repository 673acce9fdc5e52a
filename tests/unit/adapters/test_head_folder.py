from __future__ import annotations

from pathlib import Path

import pytest
from upath import UPath

from retrain.adapters.head_folder import HeadFolder
from retrain.core.ledger.entries import Head
from retrain.errors import OutageError

HEADS = [Head(9, "a" * 64), Head(10, "b" * 64), Head(2, "c" * 64)]


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_the_kept_head_with_the_most_entries_is_the_last(tmp_path: Path, place: str) -> None:
    base = UPath(tmp_path / "heads") if place == "folder" else UPath(f"memory://{tmp_path.name}/heads")
    heads = HeadFolder(base)
    assert heads.last() is None
    for head in (*HEADS, HEADS[0]):
        heads.keep(head)
    (base / "notes.txt").write_text("not a head")
    assert heads.last() == HEADS[1]
    assert sum(path.suffix == ".head" for path in base.iterdir()) == len(HEADS)
    assert Head.parse((base / f"{10:012d}-{'b' * 64}.head").read_text()) == HEADS[1]


def test_a_place_that_cannot_be_used_is_an_outage(tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("a file")
    heads = HeadFolder(UPath(tmp_path / "heads"))
    for use in (heads.last, lambda: heads.keep(HEADS[0])):
        with pytest.raises(OutageError, match=r"\[retrain\] heads"):
            use()
