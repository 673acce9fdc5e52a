"""Work for a child process that ends by another's hand."""

from __future__ import annotations

import os
import time
from pathlib import Path


def report_and_sleep(file: str) -> None:
    """Write the child's id, then sleep."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)
