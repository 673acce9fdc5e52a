"""Writing a table into the marked part of a page, so that no figure is typed in by hand."""

from __future__ import annotations

from pathlib import Path


def write_between_marks(page: Path, name: str, table: str) -> None:
    """Replace what stands between ``<!-- name: begin -->`` and ``<!-- name: end -->``."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, rest = page.read_text(encoding="utf-8").split(begin, 1)
    _, after = rest.split(end, 1)
    page.write_text(f"{before}{begin}\n{table}\n{end}{after}", encoding="utf-8")
