"""The fenced blocks of README.md and docs/: what readers copy, and so what tests run.

The first word after the fence is the language; then come tags (``live``) and settings (``file=include/models/churn.py``).
"""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

__all__ = ["PAGES", "ROOT", "Block", "blocks", "live_script", "run_retrain"]

ROOT = Path(__file__).parents[1]
HEAVY = (
    "matplotlib.figure",
    "retrain.adapters.duckdb_snapshots",
    "retrain.adapters.gx_validator",
    "retrain.adapters.mlflow_registry",
    "retrain.reports.plots",
    "retrain.adapters.sklearn_trainer",
    "retrain.adapters.sql_ledger.migrations",
    "sklearn.compose",
    "sklearn.ensemble",
)
"""What a `retrain run` imports, most of its seconds."""

PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
_FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def tags(self) -> frozenset[str]:
        """The words without a value, such as ``live``."""
        return frozenset(word for word in self.words if "=" not in word)

    def setting(self, name: str) -> str | None:
        """Return the value of a word such as ``file=dags/own.py``."""
        return next((value for key, _, value in (word.partition("=") for word in self.words) if key == name), None)


def blocks(page: Path, language: str | None = None, *tags: str) -> Iterator[Block]:
    """Yield the blocks of a page in order; of one language and with all of some tags where given."""
    source = page.read_text(encoding="utf-8")
    for match in _FENCE.finditer(source):
        name, *words = match["info"].split() or [""]
        line = source.count("\n", 0, match.start()) + 1
        block = Block(page, line, name, tuple(words), dedent(match["text"]))
        if language in (None, name) and block.tags.issuperset(tags):
            yield block


def live_script(tag: str) -> str:
    """Return the live bash blocks of all pages with a tag as one script.

    ``rest`` and ``api`` need the environment variables AIRFLOW_URL, USERNAME and PASSWORD, and DAGs flight_delay and
    arrival_delay; ``cli`` needs the environment of an Airflow with the latter. Run it with ``bash -euo pipefail -c``.
    """
    return "\n".join(block.text for page in PAGES for block in blocks(page, "bash", "live", tag))


def run_retrain(arguments: list[str], folder: Path) -> tuple[int, str]:
    """Run the command `retrain` in a folder; return its exit code and what it printed.

    In a process of its own with nothing of ours but the imports, which are shared.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(HEAVY))
    with tempfile.NamedTemporaryFile() as output:
        process = context.Process(target=_command, args=(arguments, folder, output.name))
        sys.path.append(str(ROOT))  # the new process finds `tests` by it, wherever pytest was started
        try:
            process.start()
        finally:
            sys.path.pop()
        process.join(300)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode or 0, output.read().decode()


def _command(arguments: list[str], folder: Path, output: str) -> None:
    """Do what the script `retrain` does, as if started from a shell in the folder with nothing set."""
    with open(output, "wb") as file:  # noqa: PTH123 - a path of its own would be no shorter
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
            os.dup2(file.fileno(), stream.fileno())
    for name in [name for name in os.environ if name.startswith(("RETRAIN_", "AIRFLOW__"))]:
        del os.environ[name]
    os.chdir(folder)
    sys.path[:] = [path for path in sys.path if path not in ("", str(ROOT))]  # this checkout has an `include`, too
    sys.argv = ["retrain", *arguments]
    from retrain.cli import app

    app()
