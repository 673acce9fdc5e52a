from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrain.core.digest import canonical_json, digest_files, digest_json, hash_file


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers()))
def test_the_order_of_keys_does_not_matter(document: dict[str, int]) -> None:
    assert digest_json(document) == digest_json(dict(reversed(document.items())))


def test_the_digest_is_the_sha256_of_the_canonical_text() -> None:
    assert canonical_json({"b": [1, 2.5, None], "a": "é"}) == '{"a":"é","b":[1,2.5,null]}'
    assert digest_json({"b": 1}) == hashlib.sha256(b'{"b":1}').hexdigest()


@pytest.mark.parametrize("value", [math.nan, math.inf, [-math.inf]])
def test_numbers_that_are_not_finite_have_no_digest(value: Any) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        digest_json(value)


@pytest.mark.parametrize("value", [{1, 2}, datetime.now(UTC), b"bytes"])
def test_what_is_not_plain_has_no_digest(value: Any) -> None:
    with pytest.raises(TypeError, match="not JSON serializable"):
        digest_json(value)


def test_files_differ_by_name_and_bytes_and_not_by_order(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_bytes(b"1")
    two.write_bytes(b"2")
    assert hash_file(one) == hashlib.sha256(b"1").hexdigest()
    first = digest_files([("a", one), ("b", two)])
    assert first == digest_files([("b", two), ("a", one)])
    assert len({first, digest_files([("a", two), ("b", one)]), digest_files([("a", one)])}) == 3
