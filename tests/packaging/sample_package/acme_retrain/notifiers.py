"""A notifier that appends to a file."""

from pathlib import Path

from airflow.sdk import BaseNotifier


class FileNotifier(BaseNotifier):
    """Appends a line per call.

    Args:
        message: The line, with Airflow's templates.
        path: The file.
    """

    template_fields = ("message", "path")

    def __init__(self, message: str, path: str) -> None:
        super().__init__()
        self.message = message
        self.path = path

    def notify(self, context) -> None:
        """Append the message."""
        with Path(self.path).open("a", encoding="utf-8") as file:
            file.write(f"{self.message}\n")
