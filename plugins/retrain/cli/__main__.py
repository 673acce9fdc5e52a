"""Lets `python -m retrain.cli` stand for the `retrain` command."""

from retrain.cli import app

if __name__ == "__main__":
    app()
