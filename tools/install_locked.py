"""Run pip on a lock and say how far it is: a line at most every few seconds, with or without a terminal.

``python tools/install_locked.py requirements.lock SITE_PACKAGES PIP...``; the exit code is pip's. Its output is shown if it fails.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

__all__ = ["count_locked", "main"]

SECONDS: Final = 8.0


def count_locked(text: str) -> int:
    """Return the number of packages in a lock."""
    return len(re.findall(r"^[A-Za-z0-9][^\s=]*==", text, flags=re.MULTILINE))


def main(lock: str, site_packages: str, *command: str) -> int:
    """Run the command, and print its progress until it ends."""
    total, folder = count_locked(Path(lock).read_text(encoding="utf-8")), Path(site_packages)
    before, fetched, output = _count_installed(folder), 0, []
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}

    def describe() -> str:
        installed = _count_installed(folder) - before
        return f"installed {installed} of {total}" if installed > 0 else f"fetched {fetched} of {total}"

    ended = threading.Event()
    reporter = threading.Thread(target=_report, args=(describe, ended), daemon=True)
    reporter.start()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment) as pip:
        for line in pip.stdout or ():
            output.append(line)
            fetched += line.startswith(("Collecting ", "Processing ", "Requirement already satisfied"))
    ended.set()
    reporter.join()
    if pip.returncode:
        sys.stderr.write("".join(output[-30:]))
    return pip.returncode


def _count_installed(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.dist-info"))


def _report(describe: Callable[[], str], ended: threading.Event) -> None:
    """Print a line now and then, if it says something new."""
    said, began = "", time.monotonic()
    while not ended.wait(SECONDS):
        if (line := describe()) != said:
            said = line
            print(f"  {line} packages ({time.monotonic() - began:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
