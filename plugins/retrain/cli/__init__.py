"""The `retrain` command."""

from retrain.cli.app import app

__all__ = ["app"]
