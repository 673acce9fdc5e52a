from __future__ import annotations

import pytest

from retrain.core.text import escape_markdown, to_one_line


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a  b\n c", "a b c"),
        ("<img src=x>", r"\<img src=x\>"),
        ("[x](http://y)", r"\[x\]\(http\://y\)"),
        ("a|b", r"a\|b"),
        ("www.x.org", r"www\.x.org"),
    ],
)
def test_markdown_shows_a_text_as_it_is(text: str, plain: str) -> None:
    assert escape_markdown(text) == plain


def test_what_a_terminal_would_act_on_is_spelled_out() -> None:
    assert to_one_line("a\x1b[2J\n b") == r"a\x1b[2J b"
