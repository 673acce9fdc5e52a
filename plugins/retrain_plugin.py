"""Folder mode: where plugins/ is mounted and the wheel is not installed, Airflow finds the plugin here."""

from retrain.plugin import RetrainPlugin

__all__ = ["RetrainPlugin"]
