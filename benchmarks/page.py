"""Write tables into the marked parts of a page, so no figure is typed by hand."""

from __future__ import annotations

from pathlib import Path


def write_between_marks(page: Path, name: str, table: str) -> None:
    """Replace the text between ``<!-- name: begin -->`` and ``<!-- name: end -->`` by a table."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = page.read_text(encoding="utf-8").split(begin, 1)
    _, after = rest.split(end, 1)
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
