"""Write the prose of Python files as Markdown for textlint: docstrings and messages, each on the line where it stands.

usage: prose.py TARGET SOURCE..., in the folder above the sources
"""

from __future__ import annotations

import ast
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["extract_prose", "main"]

_SENTENCE = re.compile(r"[A-Za-z]{2,},? [A-Za-z]{2,}")
_NOT_PROSE = re.compile(
    r"\b(?:SELECT|INSERT|UPDATE|DELETE|CREATE|JOIN)\b|\(\?[:P!<=]|\\[bdsw]"
)  # SQL, regular expressions


def extract_prose(source: str) -> str:
    """Return the docstrings and messages of a module as Markdown, line by line where they stand in it."""
    lines = [""] * (source.count("\n") + 2)
    for number, text in _find_texts(ast.parse(source)):
        for offset, line in enumerate(_strip_doctests(text.splitlines())):
            index = min(number - 1 + offset, len(lines) - 1)
            lines[index] = f"{lines[index]} {line.strip()}".strip()
    return "\n".join(lines)


def _find_texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_prose(node.value):
            yield node.lineno, node.value


def _is_prose(text: str) -> bool:
    return bool(_SENTENCE.search(text)) and not _NOT_PROSE.search(text)


def _strip_doctests(lines: list[str]) -> Iterator[str]:
    """Yield lines with doctests and their output as empty ones."""
    inside = False
    for line in lines:
        inside = line.lstrip().startswith(">>>") or (inside and bool(line.strip()))
        yield "" if inside else line


def main(target: Path, sources: list[Path]) -> None:
    """Write one Markdown file per Python file of some folders."""
    shutil.rmtree(target, ignore_errors=True)
    for path in sorted(file for source in sources for file in source.rglob("*.py")):
        page = target / f"{path.relative_to(Path.cwd())}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(extract_prose(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name).resolve() for name in sys.argv[2:]])
